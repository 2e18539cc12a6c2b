//! A single type for all handlers.

use std::pin::Pin;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;

use crate::gateway::AppState;

type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A type-erased handler. axum wraps each handler in half a dozen layers of types, and the compiler proves anew for each layer that the
/// handler's future is `Send`; all handlers share the layers of this type, which saves a third of the crate's compile time.
#[derive(Clone, Copy)]
pub(in crate::http) struct AnyHandler(&'static (dyn Fn(Request, AppState) -> ResponseFuture + Send + Sync));

impl AnyHandler {
    /// Erases the type of a handler. A function has no size, so nothing is allocated and nothing leaks.
    pub(in crate::http) fn new<H, T>(handler: H) -> Self
    where
        H: Handler<T, AppState, Future = ResponseFuture> + Copy + Sync,
    {
        const { assert!(size_of::<H>() == 0, "a handler is a function") };
        Self(Box::leak(Box::new(move |request, app| handler.call(request, app))))
    }
}

impl Handler<(), AppState> for AnyHandler {
    type Future = ResponseFuture;

    fn call(self, request: Request, app: AppState) -> ResponseFuture {
        (self.0)(request, app)
    }
}

/// `utoipa_axum::routes!` for type-erased handlers: within it each handler's name denotes its erased twin.
macro_rules! routes {
    ($($handler:ident),+ $(,)?) => {{
        $(let $handler = $crate::http::handler::AnyHandler::new($handler);)+
        utoipa_axum::routes!($($handler),+)
    }};
}
pub(in crate::http) use routes;
