//! Writing a request.

use super::super::ir::{Ask, Choice, Content, Media, Part, Piece, Shape, Speaker, Thinking, none_of};
use super::super::json::{List, Object, object};
use crate::translate::{TranslateError, Way};

/// Stands where OpenAI wants a name for a schema and the other formats have none.
const SCHEMA: &str = "answer";

/// Longest name of a user that is taken.
pub(in crate::translate) const USER: usize = 64;

/// Writes a request.
pub(in crate::translate) fn tell(ask: &Ask<'_>, way: &Way<'_>) -> Result<Vec<u8>, TranslateError> {
    none_of(&[ask.top_k])?;
    let mut out = Vec::new();
    object(&mut out, |body| {
        body.text("model", way.model);
        body.list("messages", |list| messages(ask, list))?;
        tools(ask, body);
        sampling(ask, body)?;
        shape(ask, body);
        match ask.thinking {
            Some((Thinking::Effort(effort), _)) => body.text("reasoning_effort", effort.word()),
            Some((Thinking::Budget(budget), _)) => return Err(budget.refused()),
            // The model decides, as it does unasked.
            Some((Thinking::Off | Thinking::Free, _)) | None => {}
        }
        if let Some(user) = ask.user.as_deref().filter(|user| user.len() <= USER) {
            body.text("user", user);
        }
        if way.stream {
            body.raw("stream", "true");
            body.raw("stream_options", "{\"include_usage\":true}");
        }
        Ok(())
    })?;
    Ok(out)
}

fn sampling(ask: &Ask<'_>, body: &mut Object<'_>) -> Result<(), TranslateError> {
    for (name, value) in [("max_completion_tokens", ask.max_tokens), ("n", ask.answers), ("seed", ask.seed)] {
        if let Some(value) = value {
            body.raw(name, value.whole()?);
        }
    }
    let fractions =
        [("temperature", ask.temperature), ("top_p", ask.top_p), ("presence_penalty", ask.presence), ("frequency_penalty", ask.frequency)];
    for (name, value) in fractions {
        if let Some(value) = value {
            body.raw(name, value.number()?);
        }
    }
    if !ask.stop.is_empty() {
        body.list("stop", |list| ask.stop.iter().for_each(|stop| list.text(stop)));
    }
    Ok(())
}

fn tools(ask: &Ask<'_>, body: &mut Object<'_>) {
    if ask.tools.is_empty() {
        return;
    }
    body.list("tools", |list| {
        for tool in &ask.tools {
            list.object(|outer| {
                outer.text("type", "function");
                outer.object("function", |function| {
                    function.text("name", &tool.name);
                    if let Some(description) = &tool.description {
                        function.text("description", description);
                    }
                    if let Some(schema) = &tool.schema {
                        function.raw("parameters", schema);
                    }
                    if tool.strict.is_some() {
                        function.raw("strict", "true");
                    }
                });
            });
        }
    });
    match &ask.choice {
        Some(Choice::Auto) => body.text("tool_choice", "auto"),
        Some(Choice::None) => body.text("tool_choice", "none"),
        Some(Choice::Any) => body.text("tool_choice", "required"),
        Some(Choice::Named(name)) => body.object("tool_choice", |choice| {
            choice.text("type", "function");
            choice.object("function", |function| function.text("name", name));
        }),
        None => {}
    }
    if ask.one_call.is_some() {
        body.raw("parallel_tool_calls", "false");
    }
}

fn shape(ask: &Ask<'_>, body: &mut Object<'_>) {
    match &ask.shape {
        Some(Shape::Json(_)) => body.raw("response_format", "{\"type\":\"json_object\"}"),
        Some(Shape::Schema { name, schema, strict }) => body.object("response_format", |format| {
            format.text("type", "json_schema");
            format.object("json_schema", |inner| {
                inner.text("name", name.as_deref().unwrap_or(SCHEMA));
                if *strict {
                    inner.raw("strict", "true");
                }
                inner.raw("schema", schema);
            });
        }),
        None => {}
    }
}

fn messages(ask: &Ask<'_>, list: &mut List<'_>) -> Result<(), TranslateError> {
    if !ask.system.is_empty() {
        list.object(|message| {
            message.text("role", "system");
            content_of_texts(message, ask.system.iter().map(AsRef::as_ref));
        });
    }
    for (speaker, pieces) in ask.merged() {
        match speaker {
            Speaker::User => user(&pieces, list)?,
            Speaker::Assistant => assistant(&pieces, list)?,
        }
    }
    Ok(())
}

fn user(pieces: &[&Piece<'_>], list: &mut List<'_>) -> Result<(), TranslateError> {
    let is_result = |piece: &&&Piece<'_>| matches!(piece.part, Part::Result { .. });
    let results = pieces.iter().take_while(is_result).count();
    let (results, said) = pieces.split_at(results);
    if let Some(late) = said.iter().find(is_result) {
        return Err(late.at.wrong("stands behind other content of its turn; what tools gave back comes first"));
    }
    for result in results {
        if let Part::Result { id, content, .. } = &result.part {
            list.object(|message| {
                message.text("role", "tool");
                message.text("tool_call_id", id);
                match content {
                    Content::Object(json) => message.text("content", json),
                    Content::Texts(texts) => content_of_texts(message, texts.iter().map(AsRef::as_ref)),
                }
            });
        }
    }
    if said.is_empty() && !results.is_empty() {
        return Ok(());
    }
    list.object(|message| {
        message.text("role", "user");
        if let [Piece { part: Part::Text(text), .. }] = said {
            message.text("content", text);
            return Ok(());
        }
        message.list("content", |parts| said.iter().try_for_each(|piece| parts.object(|part| write_part(piece, part))))
    })
}

/// One text as a string, several as parts.
fn content_of_texts<'t>(message: &mut Object<'_>, texts: impl Iterator<Item = &'t str>) {
    let texts: Vec<&str> = texts.collect();
    match texts.as_slice() {
        [] => message.text("content", ""),
        [one] => message.text("content", one),
        many => message.list("content", |parts| {
            for text in many {
                parts.object(|part| {
                    part.text("type", "text");
                    part.text("text", text);
                });
            }
        }),
    }
}

fn assistant(pieces: &[&Piece<'_>], list: &mut List<'_>) -> Result<(), TranslateError> {
    let mut texts: Vec<&str> = Vec::new();
    let mut calls = Vec::new();
    for piece in pieces {
        match &piece.part {
            Part::Text(_) if !calls.is_empty() => {
                return Err(piece.at.wrong("stands behind a call of its turn, for which there is no place"));
            }
            Part::Text(text) => texts.push(text),
            Part::Call { id, name, arguments } => calls.push((id, name, arguments)),
            Part::Media(_) | Part::Result { .. } => return Err(piece.at.refused()),
        }
    }
    list.object(|message| {
        message.text("role", "assistant");
        if texts.is_empty() && !calls.is_empty() {
            message.raw("content", "null");
        } else {
            content_of_texts(message, texts.into_iter());
        }
        if calls.is_empty() {
            return;
        }
        message.list("tool_calls", |list| {
            for (id, name, arguments) in calls {
                list.object(|call| {
                    call.text("id", id);
                    call.text("type", "function");
                    call.object("function", |function| {
                        function.text("name", name);
                        function.text("arguments", arguments);
                    });
                });
            }
        });
    });
    Ok(())
}

fn write_part(piece: &Piece<'_>, part: &mut Object<'_>) -> Result<(), TranslateError> {
    match &piece.part {
        Part::Text(text) => {
            part.text("type", "text");
            part.text("text", text);
        }
        Part::Media(Media::Url(url)) => {
            part.text("type", "image_url");
            part.object("image_url", |image| image.text("url", url));
        }
        Part::Media(Media::Data { mime, data, .. }) if mime.starts_with("image/") => {
            part.text("type", "image_url");
            part.object("image_url", |image| image.text("url", &format!("data:{mime};base64,{data}")));
        }
        Part::Media(Media::Data { mime, data, name }) if mime == "application/pdf" => {
            part.text("type", "file");
            part.object("file", |file| {
                file.text("filename", name.as_deref().unwrap_or("document.pdf"));
                file.text("file_data", &format!("data:{mime};base64,{data}"));
            });
        }
        Part::Media(_) | Part::Call { .. } | Part::Result { .. } => return Err(piece.at.refused()),
    }
    Ok(())
}
