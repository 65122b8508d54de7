//! The server: sockets, limits of time and size, background tasks, and an orderly end.
use std::{
    fs::{File, TryLockError},
    io,
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpServer,
    dev::{Server, ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::{Next, from_fn},
};
use tracing::Instrument as _;

use super::{limits::Limits, service};
use crate::{app::App, store, views, world};

/// How long a request's head may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// How long requests may take to end when the server is asked to stop, in seconds.
const SHUTDOWN_SECONDS: u64 = 30;

/// Holds a folder for one server. Commands need no lock: the database orders them.
pub struct ServeLock(
    #[expect(dead_code, reason = "held, not read: the lock ends with the file")] File,
);

impl ServeLock {
    /// Takes the lock, or says that another server has it.
    pub fn take(folder: &crate::config::Folder) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.lock())?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let text = format!("another gemledger serves {}", folder.data.display());
                Err(io::Error::new(io::ErrorKind::AddrInUse, text))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The server on this socket. It ends when its handle says so, and answers first what it has accepted.
pub fn server(
    app: App,
    limits: Arc<Limits>,
    listener: TcpListener,
    workers: usize,
) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .wrap(from_fn(traced))
            .service(service(app.clone(), limits.clone()))
    })
    .workers(workers)
    .client_request_timeout(HEAD_TIME)
    // A reader of the feed who has gone must not keep its place among those who wait.
    .h1_allow_half_closed(false)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

/// Gives each request an id, names it in the log and in the answer, and never logs a header or a body.
async fn traced(
    request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody>,
) -> Result<ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    let id = events::digest::hex(&world::random::<8>());
    let span =
        tracing::info_span!("request", %id, method = %request.method(), path = %request.path());
    request.extensions_mut().insert(RequestTrace(id.clone()));
    let mut response = next.call(request).instrument(span.clone()).await?;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

/// The id of a request, for whoever wants to name it.
pub struct RequestTrace(pub String);

/// Keeps provider keys fresh, notices what other processes write, moves the write-ahead log along, and tidies up.
pub async fn background(app: App, limits: Arc<Limits>) {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let (mut ticks, mut others) = (0_u64, Others::default());
    loop {
        tick.tick().await;
        others.notice(&app).await;
        if ticks.is_multiple_of(10)
            && let Err(error) = store::sqlite::checkpoint(&app.folder.database()).await
        {
            tracing::warn!(%error, "the write-ahead log could not be moved along");
        }
        if ticks.is_multiple_of(600) {
            limits.tidy();
            let keys = app.clone();
            tokio::task::spawn_local(async move {
                if let Err(error) = keys.refresh_keys().await {
                    tracing::warn!(%error, "the providers could not be read");
                }
            });
        }
        ticks += 1;
    }
}

/// What other processes write, which this process's index must not outlive.
#[derive(Default)]
struct Others {
    /// Every change of the index below this log index was taken note of.
    seen: Option<u64>,
}

impl Others {
    /// Forgets the pages of gems whose lines changed since the last look, whoever changed them: own writes are few and
    /// cheap to forget twice, and telling them apart by the head alone would miss what came between two of them.
    async fn notice(&mut self, app: &App) {
        let Ok(head) = app.reader.head().await else {
            return;
        };
        let Some(seen) = self.seen else {
            app.index.forget_all();
            self.seen = Some(head.size);
            return;
        };
        if head.size <= seen {
            return;
        }
        if let Ok(gems) = views::index::touched(&app.reader, seen, head.size).await {
            for gem in &gems {
                app.index.forget(gem);
            }
            self.seen = Some(head.size);
        }
    }
}
