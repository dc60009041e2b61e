//! Content streams (ISO 32000-1, clauses 8 and 9): only what moves and shows text, and which forms and pictures are drawn.

use std::collections::HashMap;
use std::rc::Rc;

use crate::model::{Limit, Looks, Reason, View};
use crate::pdf::file::File;
use crate::pdf::font::Font;
use crate::pdf::glyph;
use crate::pdf::layout::{Canvas, Piece, Pitch};
use crate::pdf::object::{Dict, Lexer, MAX_OBJECTS, Object, Token};
use crate::sink::Sink;

/// Forms drawn in forms.
const MAX_FORMS: usize = 12;
/// Saved graphics states.
const MAX_STATES: usize = 256;
/// Operands kept for one operator.
const MAX_OPERANDS: usize = 4_096;
/// What it costs to begin a stream and to show a string, beside their bytes.
const STREAM_COST: usize = 256;
const SHOW_COST: usize = 16;

/// `a b c d e f` of ISO 32000-1, 8.3.4.
type Matrix = [f64; 6];
const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `inner`, then `outer`.
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn times(inner: &Matrix, outer: &Matrix) -> Matrix {
    let [outer_a, outer_b, outer_c, outer_d, outer_e, outer_f] = *outer;
    let [a, b, c, d, x, y] = *inner;
    let vector = |x: f64, y: f64| (x * outer_a + y * outer_c, x * outer_b + y * outer_d);
    let ((a, b), (c, d), (x, y)) = (vector(a, b), vector(c, d), vector(x, y));
    [a, b, c, d, x + outer_e, y + outer_f]
}

/// What readers of one document share.
#[derive(Default)]
pub struct Shared {
    /// By where the dictionary stands in memory; objects do not move while they are read.
    fonts: HashMap<usize, Rc<Font>>,
    contents: HashMap<usize, Rc<Vec<u8>>>,
    /// Streams that were drawn.
    pub drawn: Vec<bool>,
    pub work: usize,
}

#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    char_space: f64,
    word_space: f64,
    scale: f64,
    leading: f64,
    rise: f64,
}

/// Reads the content of one page.
pub struct Reader<'r, 'f, 'd> {
    pub file: &'f File<'d>,
    pub shared: &'r mut Shared,
    pub place: &'r str,
    pub canvas: Canvas,
    /// Strings that are not shown: replacement texts, alternate descriptions.
    pub beside: String,
    unknown_glyphs: bool,
    /// A page that people see.
    pub shown: bool,
}

impl Shared {
    pub fn new(objects: usize, work: usize) -> Self {
        Self { drawn: vec![false; objects], work, ..Self::default() }
    }
}

impl<'r, 'f, 'd> Reader<'r, 'f, 'd> {
    pub fn new(file: &'f File<'d>, shared: &'r mut Shared, place: &'r str) -> Self {
        Self { file, shared, place, canvas: Canvas::default(), beside: String::new(), unknown_glyphs: false, shown: false }
    }

    pub fn finish(self, sink: &mut Sink<'_>) {
        let (drawn, placed) = self.canvas.lines();
        let by_place = format!("{} (by place)", self.place);
        match placed {
            _ if !self.shown => {
                sink.text(self.place, &drawn);
                sink.text(&by_place, &placed.unwrap_or_default());
            }
            // As a person reads it.
            Some(placed) => {
                sink.again(self.place, &drawn);
                sink.literal(&by_place, &placed, None, View::Shown);
                sink.render(self.place, &placed);
            }
            None => sink.shown(self.place, &drawn),
        }
        sink.text(&format!("{} (beside the text)", self.place), &self.beside);
        if self.unknown_glyphs {
            sink.unread(self.place, Reason::Glyphs);
        }
    }

    /// Runs a stream that is not drawn by another one.
    pub fn run(&mut self, content: &[u8], resources: Option<&'f Dict>, sink: &mut Sink<'_>) {
        let state =
            State { matrix: IDENTITY, font: None, size: 0.0, char_space: 0.0, word_space: 0.0, scale: 1.0, leading: 0.0, rise: 0.0 };
        self.stream(content, resources, state, 0, sink);
    }

    fn stream(&mut self, content: &[u8], resources: Option<&'f Dict>, state: State, depth: usize, sink: &mut Sink<'_>) {
        if !self.spend(content.len() + STREAM_COST, sink) {
            return;
        }
        let mut run = Run { state, states: Vec::new(), text: IDENTITY, line: IDENTITY, operands: Vec::new(), resources, depth };
        let mut lexer = Lexer::new(content, 0);
        loop {
            lexer.left = MAX_OBJECTS;
            while let Some(object) = lexer.object() {
                if run.operands.len() >= MAX_OPERANDS {
                    self.aside(&std::mem::take(&mut run.operands));
                }
                run.operands.push(object);
            }
            match lexer.token() {
                None => break,
                Some(_) if self.shared.work == 0 => {
                    sink.unread(self.place, Reason::Limit(Limit::Work));
                    break;
                }
                Some(Token::Word(b"ID")) => {
                    sink.unread(self.place, Reason::Looks(Looks::Image));
                    lexer.at = end_of_image(content, lexer.at);
                }
                Some(Token::Word(operator)) => self.operator(operator, &mut run, sink),
                Some(_) => {}
            }
            run.operands.clear();
        }
        if lexer.cut {
            sink.unread(self.place, Reason::Limit(Limit::Depth));
        }
        self.aside(&run.operands);
    }

    fn operator(&mut self, operator: &[u8], run: &mut Run<'f>, sink: &mut Sink<'_>) {
        match operator {
            b"Tj" => self.show_all(run, sink),
            b"TJ" => self.show_array(run, sink),
            b"'" => {
                run.next_line();
                self.show_all(run, sink);
            }
            b"\"" => {
                if let [word, char, ..] = run.numbers().as_slice() {
                    (run.state.word_space, run.state.char_space) = (*word, *char);
                }
                run.next_line();
                self.show_all(run, sink);
            }
            b"Tf" => self.set_font(run, sink),
            b"Do" => self.draw(run, sink),
            b"gs" => self.graphics_state(run, sink),
            _ => {
                if !run.moves(operator) {
                    self.aside(&run.operands);
                }
            }
        }
    }

    /// Takes from the budget of work. False: there is none left, which is recorded.
    fn spend(&mut self, cost: usize, sink: &mut Sink<'_>) -> bool {
        if self.shared.work < cost {
            self.shared.work = 0;
            sink.unread(self.place, Reason::Limit(Limit::Work));
            return false;
        }
        self.shared.work -= cost;
        true
    }

    /// Keeps the strings of operands that are not shown.
    fn aside(&mut self, operands: &[Object]) {
        for operand in operands {
            match operand {
                Object::Text(text) => {
                    self.beside.push_str(&glyph::text_string(text));
                    self.beside.push('\n');
                }
                Object::Array(array) => self.aside(array),
                Object::Dict(dict) => dict.values().for_each(|it| self.aside(std::slice::from_ref(it))),
                _ => {}
            }
        }
    }

    fn show_all(&mut self, run: &mut Run<'f>, sink: &mut Sink<'_>) {
        for operand in std::mem::take(&mut run.operands) {
            if let Object::Text(bytes) = operand {
                self.show(&bytes, run, sink);
            }
        }
    }

    fn show_array(&mut self, run: &mut Run<'f>, sink: &mut Sink<'_>) {
        for operand in std::mem::take(&mut run.operands) {
            let Object::Array(items) = operand else { continue };
            for item in items {
                match item {
                    Object::Text(bytes) => self.show(&bytes, run, sink),
                    other => {
                        let back = other.number().unwrap_or(0.0) / 1000.0 * run.state.size * run.state.scale;
                        run.text = times(&[1.0, 0.0, 0.0, 1.0, -back, 0.0], &run.text);
                    }
                }
            }
        }
    }

    fn show(&mut self, bytes: &[u8], run: &mut Run<'f>, sink: &mut Sink<'_>) {
        if bytes.is_empty() || !self.spend(SHOW_COST, sink) {
            return;
        }
        let Some(font) = run.state.font.clone() else {
            // Nobody knows the font: as it stands, and said so.
            self.unknown_glyphs = true;
            self.beside.push_str(&glyph::text_string(bytes));
            self.beside.push('\n');
            return;
        };
        let state = &run.state;
        let mut advance = 0.0;
        let room = sink.limits.output_bytes.saturating_sub(self.canvas.bytes());
        let mut text = String::new();
        let mut unknown = false;
        font.glyphs(bytes, |glyph| {
            unknown |= glyph.text.is_none();
            if text.len() <= room {
                text.push_str(glyph.text.as_deref().unwrap_or("\u{fffd}"));
            }
            let word_space = if glyph.is_space { state.word_space } else { 0.0 };
            advance += (glyph.width / 1000.0 * state.size + state.char_space + word_space) * state.scale;
        });
        self.unknown_glyphs |= unknown;
        let start = times(&[1.0, 0.0, 0.0, 1.0, 0.0, state.rise], &times(&run.text, &state.matrix));
        run.text = times(&[1.0, 0.0, 0.0, 1.0, advance, 0.0], &run.text);
        // Letters that are spaced out evenly touch each other.
        let text_len = text.len();
        let piece = piece(&start, advance, state.size, text);
        if text_len > room || !self.canvas.add(piece) {
            sink.unread(self.place, Reason::Limit(Limit::Work));
        }
    }

    fn resource(&self, run: &Run<'f>, category: &str, name: &[u8]) -> Option<&'f Object> {
        let category = self.file.get(run.resources?, category)?.dict()?;
        category.get(name)
    }

    fn set_font(&mut self, run: &mut Run<'f>, sink: &mut Sink<'_>) {
        let [Object::Name(name), size, ..] = run.operands.as_slice() else { return };
        run.state.size = size.number().unwrap_or(0.0);
        let dict = self.resource(run, "Font", name).and_then(|it| self.file.resolve(it)).and_then(Object::dict);
        run.state.font = dict.map(|it| self.font(it, sink));
    }

    fn font(&mut self, dict: &'f Dict, sink: &mut Sink<'_>) -> Rc<Font> {
        let key = std::ptr::from_ref(dict).addr();
        if let Some(font) = self.shared.fonts.get(&key) {
            return Rc::clone(font);
        }
        let (font, cost) = Font::read(dict, self.file, sink);
        self.shared.work = self.shared.work.saturating_sub(cost);
        let font = Rc::new(font);
        self.shared.fonts.insert(key, Rc::clone(&font));
        font
    }

    /// A font can be set by a graphics state too.
    fn graphics_state(&mut self, run: &mut Run<'f>, sink: &mut Sink<'_>) {
        let [Object::Name(name), ..] = run.operands.as_slice() else { return };
        let Some(state) = self.resource(run, "ExtGState", name).and_then(|it| self.file.resolve(it)).and_then(Object::dict) else { return };
        let Some([font, size, ..]) = self.file.get(state, "Font").and_then(Object::array) else { return };
        run.state.size = size.number().unwrap_or(0.0);
        run.state.font = self.file.resolve(font).and_then(Object::dict).map(|it| self.font(it, sink));
    }

    fn draw(&mut self, run: &mut Run<'f>, sink: &mut Sink<'_>) {
        let [Object::Name(name), ..] = run.operands.as_slice() else { return };
        let Some(Object::Ref(number)) = self.resource(run, "XObject", name) else { return };
        let Some(index) = self.file.index_of(*number) else { return };
        let Some(stored) = self.file.objects.get(index).filter(|it| it.stream.is_some()) else { return };
        if stored.has("Subtype", "Image") {
            sink.unread(self.place, Reason::Looks(Looks::Image));
            if let Some(drawn) = self.shared.drawn.get_mut(index) {
                *drawn = true;
            }
            return;
        }
        let Some(dict) = stored.object.dict() else { return };
        if run.depth >= MAX_FORMS {
            sink.unread(self.place, Reason::Limit(Limit::Depth));
            return;
        }
        let content = self.content(index, sink);
        let matrix: Vec<f64> = self
            .file
            .get(dict, "Matrix")
            .and_then(Object::array)
            .unwrap_or_default()
            .iter()
            .take(6)
            .filter_map(|it| self.file.resolve(it)?.number())
            .collect();
        let mut state = run.state.clone();
        if let Ok(matrix) = <Matrix>::try_from(matrix) {
            state.matrix = times(&matrix, &state.matrix);
        }
        // A form without resources uses those of the page.
        let resources = self.file.get(dict, "Resources").and_then(Object::dict).or(run.resources);
        self.stream(&content, resources, state, run.depth + 1, sink);
    }

    /// The decoded content of a stream, once.
    pub fn content(&mut self, index: usize, sink: &mut Sink<'_>) -> Rc<Vec<u8>> {
        if let Some(drawn) = self.shared.drawn.get_mut(index) {
            *drawn = true;
        }
        if let Some(content) = self.shared.contents.get(&index) {
            return Rc::clone(content);
        }
        let (bytes, fault) = self.file.decode(index, sink);
        if let Some(reason) = fault {
            sink.unread(self.place, reason);
        }
        let content = Rc::new(bytes);
        self.shared.contents.insert(index, Rc::clone(&content));
        content
    }
}

/// The state of one stream while it runs.
struct Run<'f> {
    state: State,
    states: Vec<State>,
    text: Matrix,
    line: Matrix,
    operands: Vec<Object>,
    resources: Option<&'f Dict>,
    depth: usize,
}

impl Run<'_> {
    fn numbers(&self) -> Vec<f64> {
        self.operands.iter().filter_map(Object::number).collect()
    }

    fn translate(&mut self, x: f64, y: f64) {
        self.line = times(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line);
        self.text = self.line;
    }

    fn next_line(&mut self) {
        self.translate(0.0, -self.state.leading);
    }

    /// Operators that only change the state. False: it is none of them.
    fn moves(&mut self, operator: &[u8]) -> bool {
        let numbers = self.numbers();
        match (operator, numbers.as_slice()) {
            (b"BT", _) => (self.text, self.line) = (IDENTITY, IDENTITY),
            (b"T*", _) => self.next_line(),
            (b"Td", [x, y, ..]) => self.translate(*x, *y),
            (b"TD", [x, y, ..]) => {
                self.state.leading = -y;
                self.translate(*x, *y);
            }
            (b"Tm", numbers) => {
                if let Some(matrix) = numbers.first_chunk() {
                    (self.text, self.line) = (*matrix, *matrix);
                }
            }
            (b"cm", numbers) => {
                if let Some(matrix) = numbers.first_chunk() {
                    self.state.matrix = times(matrix, &self.state.matrix);
                }
            }
            (b"Tc", [space, ..]) => self.state.char_space = *space,
            (b"Tw", [space, ..]) => self.state.word_space = *space,
            (b"Tz", [scale, ..]) => self.state.scale = scale / 100.0,
            (b"TL", [leading, ..]) => self.state.leading = *leading,
            (b"Ts", [rise, ..]) => self.state.rise = *rise,
            (b"q", _) => {
                if self.states.len() < MAX_STATES {
                    self.states.push(self.state.clone());
                }
            }
            (b"Q", _) => {
                if let Some(state) = self.states.pop() {
                    self.state = state;
                }
            }
            _ => return false,
        }
        true
    }
}

/// Where the text stands on the page: along and across its own baseline.
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn piece(start: &Matrix, advance: f64, size: f64, text: String) -> Piece {
    let [a, b, c, d, x, y] = *start;
    let length = a.hypot(b);
    let (along_x, along_y) = if length > 0.0 { (a / length, b / length) } else { (1.0, 0.0) };
    let height = c.hypot(d) * size.abs();
    let begin = x * along_x + y * along_y;
    let end = begin + advance * length;
    let piece = Piece {
        angle: degrees(along_y.atan2(along_x)),
        start: begin.min(end),
        end: end.max(begin),
        base: y * along_x - x * along_y,
        size: if height > 1e-6 { height } else { 1.0 },
        text,
        pitch: Pitch::default(),
    };
    let finite = piece.start.is_finite() && piece.end.is_finite() && piece.base.is_finite() && piece.size.is_finite();
    if finite { piece } else { Piece { angle: 0, start: 0.0, end: 0.0, base: 0.0, size: 1.0, text: piece.text, pitch: Pitch::default() } }
}

/// Whole degrees, without a cast: baselines of one angle only have to be told from others.
fn degrees(radians: f64) -> i32 {
    if radians == 0.0 {
        return 0;
    }
    let wanted = radians.to_degrees();
    (-180..=180).find(|it| f64::from(*it) + 0.5 > wanted).unwrap_or(180)
}

/// Where the data of an inline image ends: behind `EI` between blanks.
fn end_of_image(content: &[u8], from: usize) -> usize {
    let blank = |it: Option<&u8>| it.is_none_or(u8::is_ascii_whitespace);
    memchr::memmem::find_iter(crate::rest(content, from), b"EI")
        .map(|it| from + it)
        .find(|at| blank(content.get(at.wrapping_sub(1))) && blank(content.get(at + 2)))
        .map_or(content.len(), |it| it + 2)
}
