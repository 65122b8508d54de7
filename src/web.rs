//! Pages for people, made on the server and without script: what there is, where it came from, and how that is known.
//!
//! A page is a struct, and its template is in `web/templates/`. Whatever a gem says of itself is foreign text: it passes
//! through [`text`] and is escaped by the template; a link goes to `https:` or nowhere.
//!
//! | path | page |
//! |---|---|
//! | `/` | what this is, search, the newest gems |
//! | `/gems/NAME` | a gem: its releases, its policy, the policy's history |
//! | `/gems/NAME/versions/VERSION[-PLATFORM]` | a release: where it came from, and how that is known |
//! | `/static/…` | style sheet and icon, under the digest of their bytes |
use actix_web::web::{self, ServiceConfig};

mod assets;
mod frame;
mod gem;
mod home;
mod release;
pub mod text;

pub use frame::{error_page, secured};

/// Registers the pages below the registry's base path.
///
/// A server mounts its own `/gems/NAME.gem` and `/gems/NAME.gem.tlog-proof` before them.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource(["", "/"])
                .route(web::get().to(home::page))
                .route(web::head().to(home::page)),
        )
        .service(
            web::resource("/gems/{name}/versions/{version}")
                .route(web::get().to(release::page))
                .route(web::head().to(release::page)),
        )
        .service(
            web::resource("/gems/{name}")
                .route(web::get().to(gem::page))
                .route(web::head().to(gem::page)),
        )
        .service(
            web::resource("/static/{file}")
                .route(web::get().to(assets::file))
                .route(web::head().to(assets::file)),
        );
}
