//! Writing a request.

use super::super::ir::{Ask, Choice, Content, Effort, Media, Part, Piece, Shape, Speaker, Thinking, none_of};
use super::super::json::{List, Object, object};
use crate::translate::{MAX_TOKENS, TranslateError, Way};

/// The schema of a tool that takes nothing, which may be left out elsewhere.
const NOTHING: &str = "{\"type\":\"object\",\"properties\":{}}";

/// Writes a request.
pub(in crate::translate) fn tell(ask: &Ask<'_>, way: &Way<'_>) -> Result<Vec<u8>, TranslateError> {
    none_of(&[ask.seed, ask.answers, ask.presence, ask.frequency, ask.logit_bias])?;
    let mut out = Vec::new();
    object(&mut out, |body| {
        body.text("model", way.model);
        if !way.counts {
            match ask.max_tokens {
                Some(most) => body.raw("max_tokens", most.whole()?),
                None => body.number("max_tokens", MAX_TOKENS.saturating_add(budget(ask))),
            }
        }
        match ask.system.as_slice() {
            [] => {}
            [one] => body.text("system", one),
            many => body.list("system", |list| many.iter().for_each(|text| text_block(text, list))),
        }
        body.list("messages", |list| {
            ask.merged().iter().try_for_each(|(speaker, pieces)| list.object(|message| write_turn(*speaker, pieces, message)))
        })?;
        tools(ask, body);
        thinking(ask, body)?;
        if way.counts { Ok(()) } else { sampling(ask, way, body) }
    })?;
    Ok(out)
}

/// Thinking counts in the length.
fn budget(ask: &Ask<'_>) -> u64 {
    match ask.thinking {
        Some((Thinking::Budget(budget), _)) => budget.count().unwrap_or(0),
        _ => 0,
    }
}

fn text_block(text: &str, list: &mut List<'_>) {
    list.object(|block| {
        block.text("type", "text");
        block.text("text", text);
    });
}

fn sampling(ask: &Ask<'_>, way: &Way<'_>, body: &mut Object<'_>) -> Result<(), TranslateError> {
    if let Some(temperature) = ask.temperature {
        let number = temperature.number()?;
        if number.parse::<f64>().is_ok_and(|number| number > 1.0) {
            return Err(temperature.wrong("is larger than 1, which is the most in this model's format"));
        }
        body.raw("temperature", number);
    }
    if let Some(top_p) = ask.top_p {
        body.raw("top_p", top_p.number()?);
    }
    if let Some(top_k) = ask.top_k {
        body.raw("top_k", top_k.whole()?);
    }
    if !ask.stop.is_empty() {
        body.list("stop_sequences", |list| ask.stop.iter().for_each(|stop| list.text(stop)));
    }
    if let Some(user) = &ask.user {
        body.object("metadata", |metadata| metadata.text("user_id", user));
    }
    if way.stream {
        body.raw("stream", "true");
    }
    Ok(())
}

fn thinking(ask: &Ask<'_>, body: &mut Object<'_>) -> Result<(), TranslateError> {
    let mut effort = None;
    match ask.thinking {
        Some((Thinking::Effort(Effort::Minimal), at)) => return Err(at.refused()),
        Some((Thinking::Effort(word), _)) => effort = Some(word),
        Some((Thinking::Off, _)) => body.raw("thinking", "{\"type\":\"disabled\"}"),
        Some((Thinking::Free, _)) => body.raw("thinking", "{\"type\":\"adaptive\"}"),
        Some((Thinking::Budget(budget), _)) => {
            let tokens = budget.whole()?;
            body.object("thinking", |thinking| {
                thinking.text("type", "enabled");
                thinking.raw("budget_tokens", tokens);
            });
        }
        None => {}
    }
    let schema = match &ask.shape {
        Some(Shape::Json(at)) => return Err(at.refused()),
        Some(Shape::Schema { schema, .. }) => Some(schema),
        None => None,
    };
    if effort.is_some() || schema.is_some() {
        body.object("output_config", |config| {
            if let Some(effort) = effort {
                config.text("effort", effort.word());
            }
            if let Some(schema) = schema {
                config.object("format", |format| {
                    format.text("type", "json_schema");
                    format.raw("schema", schema);
                });
            }
        });
    }
    Ok(())
}

fn tools(ask: &Ask<'_>, body: &mut Object<'_>) {
    if ask.tools.is_empty() {
        return;
    }
    body.list("tools", |list| {
        for tool in &ask.tools {
            list.object(|one| {
                one.text("name", &tool.name);
                if let Some(description) = &tool.description {
                    one.text("description", description);
                }
                one.raw("input_schema", tool.schema.as_deref().unwrap_or(NOTHING));
                if tool.strict.is_some() {
                    one.raw("strict", "true");
                }
            });
        }
    });
    if ask.choice.is_none() && ask.one_call.is_none() {
        return;
    }
    body.object("tool_choice", |choice| {
        match &ask.choice {
            Some(Choice::Auto) | None => choice.text("type", "auto"),
            Some(Choice::None) => return choice.text("type", "none"),
            Some(Choice::Any) => choice.text("type", "any"),
            Some(Choice::Named(name)) => {
                choice.text("type", "tool");
                choice.text("name", name);
            }
        }
        if ask.one_call.is_some() {
            choice.raw("disable_parallel_tool_use", "true");
        }
    });
}

fn write_turn(speaker: Speaker, pieces: &[&Piece<'_>], message: &mut Object<'_>) -> Result<(), TranslateError> {
    message.text("role", if speaker == Speaker::User { "user" } else { "assistant" });
    if let [Piece { part: Part::Text(text), .. }] = pieces {
        message.text("content", text);
        return Ok(());
    }
    message.list("content", |list| pieces.iter().try_for_each(|piece| list.object(|block| write_block(speaker, piece, block))))
}

fn write_block(speaker: Speaker, piece: &Piece<'_>, block: &mut Object<'_>) -> Result<(), TranslateError> {
    match &piece.part {
        Part::Text(text) => {
            block.text("type", "text");
            block.text("text", text);
        }
        Part::Media(_) if speaker == Speaker::Assistant => return Err(piece.at.refused()),
        Part::Media(Media::Url(url)) => {
            block.text("type", "image");
            block.object("source", |source| {
                source.text("type", "url");
                source.text("url", url);
            });
        }
        Part::Media(Media::Data { mime, data, name }) => {
            let pdf = mime == "application/pdf";
            if !pdf && !mime.starts_with("image/") {
                return Err(piece.at.refused());
            }
            block.text("type", if pdf { "document" } else { "image" });
            block.object("source", |source| {
                source.text("type", "base64");
                source.text("media_type", mime);
                source.text("data", data);
            });
            if let Some(name) = name.as_deref().filter(|_| pdf) {
                block.text("title", name);
            }
        }
        Part::Call { id, name, arguments } => {
            block.text("type", "tool_use");
            block.text("id", id);
            block.text("name", name);
            block.raw("input", arguments);
        }
        Part::Result { id, content, failed } => {
            block.text("type", "tool_result");
            block.text("tool_use_id", id);
            match content {
                Content::Object(json) => block.text("content", json),
                Content::Texts(texts) => match texts.as_slice() {
                    [] => {}
                    [one] => block.text("content", one),
                    many => block.list("content", |list| many.iter().for_each(|text| text_block(text, list))),
                },
            }
            if *failed {
                block.raw("is_error", "true");
            }
        }
    }
    Ok(())
}
