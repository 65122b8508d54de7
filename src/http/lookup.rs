//! `/log/lookup/<gem>`: everything that the log says of a gem, with what proves that it is everything.
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use events::name::GemName;

use super::{log::answer, problem::Problem};
use crate::app::{
    App,
    lookup::{self, LookupFailure},
};

/// `/log/lookup/<gem>`, in whatever case the name is spelled.
pub async fn lookup(app: Data<App>, gem: Path<String>) -> Result<HttpResponse, Problem> {
    let gem = GemName::parse(&gem)
        .map_err(|error| Problem::malformed(error.to_string()).in_json())?
        .folded();
    let found = lookup::answer(&app, gem).await.map_err(Problem::from)?;
    let body = serde_json::to_vec(&found)
        .map_err(|error| crate::store::StoreError::Corrupt(error.to_string()))?;
    Ok(answer("application/json", "no-cache", body))
}

impl From<LookupFailure> for Problem {
    fn from(failure: LookupFailure) -> Self {
        let problem = match failure {
            LookupFailure::Off => Self::not_found(&failure.to_string()),
            LookupFailure::NotReady => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "map_not_ready",
                failure.to_string(),
            ),
            LookupFailure::Differs => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "map_differs",
                failure.to_string(),
            ),
            LookupFailure::Store(error) => error.into(),
        };
        problem.in_json()
    }
}
