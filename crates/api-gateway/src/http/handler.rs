//! Handlers of one type, whatever they take.

use std::pin::Pin;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;

use crate::gateway::AppState;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler whose own type is forgotten. axum wraps each handler in half a dozen layers of types, and the compiler proves of each
/// layer anew that what the handler waits for may move between threads; all handlers share the layers of this one, which is a third of
/// the crate's time to compile.
#[derive(Clone, Copy)]
pub(in crate::http) struct AnyHandler(&'static (dyn Fn(Request, AppState) -> Answering + Send + Sync));

impl AnyHandler {
    /// A function is of no size, so nothing is allocated and nothing leaks.
    pub(in crate::http) fn new<H, T>(handler: H) -> Self
    where
        H: Handler<T, AppState, Future = Answering> + Copy + Sync,
    {
        const { assert!(size_of::<H>() == 0, "a handler is a function") };
        Self(Box::leak(Box::new(move |request, app| handler.call(request, app))))
    }
}

impl Handler<(), AppState> for AnyHandler {
    type Future = Answering;

    fn call(self, request: Request, app: AppState) -> Answering {
        (self.0)(request, app)
    }
}

/// `utoipa_axum::routes!` for handlers that share one type: their names mean the forgetful handlers within it.
macro_rules! routes {
    ($($handler:ident),+ $(,)?) => {{
        $(let $handler = $crate::http::handler::AnyHandler::new($handler);)+
        utoipa_axum::routes!($($handler),+)
    }};
}
pub(in crate::http) use routes;
