//! The ceiling of HTTP: the same server with as many workers, which reads the request and answers a constant.
use std::{io, net::TcpListener};

use actix_web::{App, HttpResponse, HttpServer, dev::Server, http::StatusCode, web};

/// A server that answers every request with this status and body.
pub(crate) fn server(
    listener: TcpListener,
    workers: usize,
    status: StatusCode,
    body: Vec<u8>,
) -> io::Result<Server> {
    let body = web::Bytes::from(body);
    let server = HttpServer::new(move || {
        let body = body.clone();
        let answer = move |_request: web::Bytes| {
            let body = body.clone();
            async move {
                HttpResponse::build(status)
                    .content_type("application/json")
                    .body(body)
            }
        };
        App::new().default_service(web::route().to(answer))
    })
    .workers(workers)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}
