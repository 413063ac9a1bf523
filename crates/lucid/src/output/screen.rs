//! Shows a run while it lasts: a live view on a terminal, lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lucid_engine::Stamped;
use lucid_report::{Paint, RunView, live, plain, summary};

use crate::cli::Progress;
use crate::output::Outlet;

/// After this long without a line, a log gets a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(30);
const REDRAW: Duration = Duration::from_millis(100);

/// The screen of one run.
pub(crate) struct Screen {
    state: Arc<Mutex<State>>,
    drawer: Option<std::thread::JoinHandle<()>>,
}

struct State {
    view: RunView,
    how: How,
    paint: Paint,
    /// Lines of the live view that are on the terminal now.
    drawn: usize,
    began: Instant,
    /// Virtual time is told by the events, not by the clock on the wall.
    virtual_time: Option<Duration>,
    last_line: Instant,
    is_over: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Live,
    Lines,
    Json,
    Quiet,
}

impl Screen {
    pub(crate) fn new(outlet: &Outlet, progress: Progress, is_virtual: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb");
        let how = match progress {
            Progress::Auto if is_terminal => How::Live,
            Progress::Auto | Progress::Plain => How::Lines,
            Progress::Tty => How::Live,
            Progress::Json => How::Json,
            Progress::Quiet => How::Quiet,
        };
        let state = Arc::new(Mutex::new(State {
            view: RunView::default(),
            how,
            paint: outlet.paint_err(),
            drawn: 0,
            began: Instant::now(),
            virtual_time: is_virtual.then_some(Duration::ZERO),
            last_line: Instant::now(),
            is_over: false,
        }));
        let drawer = matches!(how, How::Live | How::Lines).then(|| {
            let state = Arc::clone(&state);
            std::thread::spawn(move || keep_alive(&state))
        });
        Self { state, drawer }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds this")
    }

    /// A person watches the run as it goes.
    pub(crate) fn is_live(&self) -> bool {
        self.lock().how == How::Live
    }

    pub(crate) fn take(&self, outlet: &Outlet, stamped: &Stamped) {
        let mut state = self.lock();
        state.view.take(stamped);
        if state.virtual_time.is_some() {
            state.virtual_time = Some(stamped.at());
        }
        match state.how {
            How::Json => outlet.talk(&format!("{}\n", serde_json::to_string(stamped).expect("events are plain data"))),
            How::Lines => {
                if let Some(line) = plain::line(&state.view, stamped, state.paint) {
                    outlet.talk(&line);
                    state.last_line = Instant::now();
                }
            }
            How::Live => state.announce(outlet, stamped),
            How::Quiet => {}
        }
    }

    /// Ends the view and leaves the summary in its place.
    pub(crate) fn finish(mut self, outlet: &Outlet) -> RunView {
        let mut state = self.lock();
        state.is_over = true;
        state.erase();
        if matches!(state.how, How::Live | How::Lines) {
            outlet.talk(&summary::render(&state.view, state.paint));
        }
        let view = state.view.clone();
        drop(state);
        if let Some(drawer) = self.drawer.take() {
            let _ = drawer.join();
        }
        view
    }
}

fn keep_alive(state: &Mutex<State>) {
    loop {
        std::thread::sleep(REDRAW);
        let Ok(mut state) = state.lock() else { return };
        if state.is_over {
            return;
        }
        match state.how {
            How::Live => state.redraw(),
            _ if state.last_line.elapsed() >= HEARTBEAT && !state.view.rows.is_empty() => {
                state.last_line = Instant::now();
                let line = plain::heartbeat(&state.view, state.began.elapsed(), state.paint);
                let _ = std::io::stderr().write_all(line.as_bytes());
            }
            _ => {}
        }
    }
}

impl State {
    /// What must stay readable after the view is gone: failures and notes stand above it.
    fn announce(&mut self, outlet: &Outlet, stamped: &Stamped) {
        use lucid_engine::Event;
        if matches!(stamped.event, Event::Note { .. } | Event::Stopping { .. } | Event::RunStarted { .. })
            && let Some(line) = plain::line(&self.view, stamped, self.paint)
        {
            self.erase();
            outlet.talk(&line);
        }
        self.redraw();
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            let _ = write!(std::io::stderr(), "\x1b[{}A\r\x1b[J", self.drawn);
            self.drawn = 0;
        }
    }

    fn redraw(&mut self) {
        if self.view.rows.is_empty() {
            return;
        }
        let (width, height) = crossterm::terminal::size().unwrap_or((100, 24));
        let elapsed = self.virtual_time.unwrap_or_else(|| self.began.elapsed());
        let lines = live::draw(&self.view, elapsed, usize::from(width).max(40), usize::from(height), self.paint);
        // One write, so that nothing flickers: up, each line cleared to its end, down.
        let mut frame = String::new();
        if self.drawn > 0 {
            frame.push_str(&format!("\x1b[{}A\r", self.drawn));
        }
        for line in &lines {
            frame.push_str(line);
            frame.push_str("\x1b[K\n");
        }
        self.drawn = lines.len();
        let _ = std::io::stderr().write_all(frame.as_bytes());
    }
}
