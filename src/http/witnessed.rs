//! Where witnesses are required, nothing is answered as done before enough of them have seen it.
use actix_web::{
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::CONTENT_TYPE,
    middleware::Next,
    web::Data,
};

use super::problem::Problem;
use crate::app::App;

/// Holds back the success of whatever may have changed something.
///
/// What was recorded stays recorded when the wait was too long: the answer says so, and a retry finds it.
pub(super) async fn witnessed(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = request.app_data::<Data<App>>().cloned();
    let changes = !request.method().is_safe();
    let response = next.call(request).await?.map_into_boxed_body();
    let Some(app) = app.filter(|_| changes && response.status().is_success()) else {
        return Ok(response);
    };
    let Err(error) = app.witnessed().await else {
        return Ok(response);
    };
    let kind = response.headers().get(CONTENT_TYPE);
    let json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let problem = Problem::from(error);
    let problem = if json { problem.in_json() } else { problem };
    Ok(response.into_response(problem.into_response()))
}
