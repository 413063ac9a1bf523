//! The door for clients: an HTTP service without sockets or tasks.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Sleep;

use crate::api::query::Query;
use crate::api::user::User;
use crate::api::{self, BODY_LIMIT, Reply, Request};
use crate::door::{self, Door, Fault};
use crate::error::ApiError;
use crate::sim::Sim;
use crate::world::Late;

/// Answers HTTP requests as an API server does.
#[derive(Clone)]
pub struct SimService {
    sim: Sim,
    door: Option<Door>,
}

impl SimService {
    pub(crate) fn new(sim: Sim, door: Option<Door>) -> Self {
        Self { sim, door }
    }

    async fn answer<B>(self, request: http::Request<B>) -> io::Result<http::Response<SimBody>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request = match read(request).await {
            Ok(request) => request,
            Err(Unread::Lost(error)) => return Err(error),
            Err(Unread::TooLarge) => {
                return Ok(respond(Reply::error(&ApiError::too_large("http: request body too large"))));
            }
        };
        let client = self.door.as_ref().map(|door| door.id);
        let fault = self.door.as_ref().and_then(|door| door.meet(&request));
        if let Some(fault) = fault.filter(|fault| fault.is_death()) {
            self.outlive(fault, client.unwrap_or_default(), request);
            return std::future::pending().await;
        }
        let (there, back) = self.sim.change(|world| world.latency());
        tokio::time::sleep(there).await;
        let (reply, date) = match fault {
            Some(Fault::Lost) => {
                self.sim.change(|world| world.heard(client, &request, None));
                return Err(door::broken());
            }
            Some(Fault::Refused(code)) => self.sim.change(|world| {
                world.heard(client, &request, Some(code));
                (Reply::error(&door::refusal(code)), world.seconds())
            }),
            _ => self.sim.change(|world| (world.serve(client, &request), world.seconds())),
        };
        if fault == Some(Fault::AnswerLost) {
            return Err(door::broken());
        }
        tokio::time::sleep(back).await;
        let mut response = respond(reply);
        response.headers_mut().insert(http::header::DATE, http_date(date));
        Ok(response)
    }

    /// What a client that dies has sent is under way without it: nothing that it lets go of may hold it up.
    fn outlive(&self, fault: Fault, client: u32, request: Request) {
        match fault {
            Fault::Late(steps) => {
                self.sim.change(|world| world.late.push(Late { steps: steps.max(1), client, request }));
            }
            Fault::DieAfter => {
                let sim = self.sim.clone();
                tokio::spawn(async move {
                    let (there, _) = sim.change(|world| world.latency());
                    tokio::time::sleep(there).await;
                    sim.change(|world| world.serve(Some(client), &request));
                });
            }
            _ => {}
        }
    }
}

impl<B> tower::Service<http::Request<B>> for SimService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<SimBody>;
    /// The connection broke.
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<http::Response<SimBody>>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

enum Unread {
    Lost(io::Error),
    TooLarge,
}

async fn read<B>(request: http::Request<B>) -> Result<Request, Unread>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let header = |name: http::HeaderName| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let body = Limited::new(body, BODY_LIMIT + 1).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { Unread::TooLarge } else { Unread::Lost(io::Error::other(error)) }
    })?;
    Ok(Request {
        path: head.uri.path().to_owned(),
        query: Query::parse(head.uri.query().unwrap_or_default()),
        accept: header(http::header::ACCEPT),
        content_type: header(http::header::CONTENT_TYPE),
        user_agent: header(http::header::USER_AGENT),
        authorization: header(http::header::AUTHORIZATION),
        impersonated: impersonated(&head.headers),
        method: head.method,
        body: body.to_bytes(),
    })
}

/// As Go's HTTP server puts it on every answer.
fn http_date(seconds: i64) -> http::HeaderValue {
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    http::HeaderValue::from_str(&httpdate::fmt_http_date(time)).expect("a date is plain text")
}

fn impersonated(headers: &http::HeaderMap) -> Option<User> {
    let name = headers.get("impersonate-user")?.to_str().ok()?;
    let groups = headers.get_all("impersonate-group").iter().filter_map(|group| group.to_str().ok());
    Some(User::new(name, &groups.collect::<Vec<_>>()))
}

fn respond(reply: Reply) -> http::Response<SimBody> {
    let mut builder =
        http::Response::builder().status(reply.code).header(http::header::CONTENT_TYPE, reply.content_type);
    // Clients with a cache of their own must not answer from it, least of all under a clock that runs fast.
    builder = builder.header(http::header::CACHE_CONTROL, "no-cache, private");
    if let Some(seconds) = reply.retry_after_seconds {
        builder = builder.header(http::header::RETRY_AFTER, seconds);
    }
    for warning in &reply.warnings {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        builder = builder.header(http::header::WARNING, format!("299 - \"{text}\""));
    }
    builder.body(reply.body.into()).expect("codes and headers are sound")
}

/// The body of an answer: whole, or events as they come.
pub struct SimBody(Content);

enum Content {
    Full(Option<Bytes>),
    Stream { chunks: UnboundedReceiver<Bytes>, end: Option<Pin<Box<Sleep>>> },
}

impl From<api::Body> for SimBody {
    fn from(body: api::Body) -> Self {
        Self(match body {
            api::Body::Full(bytes) => Content::Full(Some(bytes).filter(|bytes| !bytes.is_empty())),
            api::Body::Stream { chunks, timeout } => {
                Content::Stream { chunks, end: timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout))) }
            }
        })
    }
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().0 {
            Content::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Stream { chunks, end } => match (chunks.poll_recv(context), end) {
                (Poll::Ready(chunk), _) => Poll::Ready(chunk.map(|bytes| Ok(Frame::data(bytes)))),
                (Poll::Pending, Some(end)) => end.as_mut().poll(context).map(|()| None),
                (Poll::Pending, None) => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Content::Full(None))
    }
}
