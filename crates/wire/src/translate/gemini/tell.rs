//! Writing a request.

use std::collections::HashMap;

use super::super::ir::{Ask, Choice, Content, Media, Part, Piece, Shape, Speaker, Thinking, is_object, none_of};
use super::super::json::{Object, object};
use crate::translate::{TranslateError, Way};

/// Writes a request.
pub(in crate::translate) fn tell(ask: &Ask<'_>, way: &Way<'_>) -> Result<Vec<u8>, TranslateError> {
    none_of(&[ask.logit_bias, ask.one_call])?;
    let mut out = Vec::new();
    object(&mut out, |body| {
        if !way.counts {
            return write(ask, body, false);
        }
        body.object("generateContentRequest", |inner| {
            let model = way.model.strip_prefix("models/").unwrap_or(way.model);
            inner.text("model", &format!("models/{model}"));
            write(ask, inner, true)
        })
    })?;
    Ok(out)
}

fn write(ask: &Ask<'_>, body: &mut Object<'_>, counts: bool) -> Result<(), TranslateError> {
    if !ask.system.is_empty() {
        body.object("systemInstruction", |system| {
            system.list("parts", |list| ask.system.iter().for_each(|text| list.object(|part| part.text("text", text))));
        });
    }
    let mut names = HashMap::new();
    body.list("contents", |list| {
        for (speaker, pieces) in ask.merged() {
            list.object(|content| {
                content.text("role", if speaker == Speaker::User { "user" } else { "model" });
                content.list("parts", |list| {
                    for piece in pieces {
                        if let Part::Call { id, name, .. } = &piece.part {
                            names.insert(id.as_ref(), name.as_ref());
                        }
                        list.object(|part| write_part(speaker, piece, &names, part))?;
                    }
                    Ok(())
                })
            })?;
        }
        Ok(())
    })?;
    tools(ask, body);
    if counts { Ok(()) } else { config(ask, body) }
}

fn write_part(speaker: Speaker, piece: &Piece<'_>, names: &HashMap<&str, &str>, part: &mut Object<'_>) -> Result<(), TranslateError> {
    match &piece.part {
        Part::Text(text) => part.text("text", text),
        Part::Media(_) if speaker == Speaker::Assistant => return Err(piece.at.refused()),
        Part::Media(Media::Url(_)) => {
            return Err(piece.at.wrong("is a remote address, which this model's format does not take; send the data"));
        }
        Part::Media(Media::Data { mime, data, .. }) => part.object("inlineData", |inner| {
            inner.text("mimeType", mime);
            inner.text("data", data);
        }),
        Part::Call { id, name, arguments } => part.object("functionCall", |call| {
            call.text("id", id);
            call.text("name", name);
            call.raw("args", arguments);
        }),
        Part::Result { id, content, failed } => {
            let name = names.get(id.as_ref()).ok_or_else(|| piece.at.wrong("is for a call that is not in the conversation"))?;
            part.object("functionResponse", |response| {
                response.text("id", id);
                response.text("name", name);
                write_result(content, *failed, piece, response);
            });
        }
    }
    Ok(())
}

/// Google wants an object: a text that is one stands for itself, any other is put into one.
fn write_result(content: &Content<'_>, failed: bool, piece: &Piece<'_>, response: &mut Object<'_>) {
    let text = match content {
        Content::Object(json) => return response.raw("response", json),
        // One behind the other, as they were judged.
        Content::Texts(texts) => texts.concat(),
    };
    let words = ["output", "error"];
    let own = |text: &str| words.iter().any(|word| text.trim_start_matches(['{', ' ', '\n']).starts_with(&format!("\"{word}\"")));
    if !failed && !own(&text) && is_object(&text, piece.at) {
        return response.raw("response", &text);
    }
    response.object("response", |inner| inner.text(if failed { "error" } else { "output" }, &text));
}

fn tools(ask: &Ask<'_>, body: &mut Object<'_>) {
    if ask.tools.is_empty() {
        return;
    }
    body.list("tools", |list| {
        list.object(|all| {
            all.list("functionDeclarations", |list| {
                for tool in &ask.tools {
                    list.object(|one| {
                        one.text("name", &tool.name);
                        if let Some(description) = &tool.description {
                            one.text("description", description);
                        }
                        if let Some(schema) = &tool.schema {
                            one.raw("parametersJsonSchema", schema);
                        }
                    });
                }
            });
        });
    });
    let strict = ask.tools.iter().any(|tool| tool.strict.is_some());
    let mode = match &ask.choice {
        // Calls that keep to the schema, or text.
        Some(Choice::Auto) | None if strict => "VALIDATED",
        Some(Choice::Auto) => "AUTO",
        Some(Choice::None) => "NONE",
        Some(Choice::Any | Choice::Named(_)) => "ANY",
        None => return,
    };
    body.object("toolConfig", |config| {
        config.object("functionCallingConfig", |calling| {
            calling.text("mode", mode);
            if let Some(Choice::Named(name)) = &ask.choice {
                calling.list("allowedFunctionNames", |list| list.text(name));
            }
        });
    });
}

fn config(ask: &Ask<'_>, body: &mut Object<'_>) -> Result<(), TranslateError> {
    body.object("generationConfig", |config| {
        let whole = [("maxOutputTokens", ask.max_tokens), ("topK", ask.top_k), ("candidateCount", ask.answers), ("seed", ask.seed)];
        for (name, value) in whole {
            if let Some(value) = value {
                config.raw(name, value.whole()?);
            }
        }
        let fractions =
            [("temperature", ask.temperature), ("topP", ask.top_p), ("presencePenalty", ask.presence), ("frequencyPenalty", ask.frequency)];
        for (name, value) in fractions {
            if let Some(value) = value {
                config.raw(name, value.number()?);
            }
        }
        if !ask.stop.is_empty() {
            config.list("stopSequences", |list| ask.stop.iter().for_each(|stop| list.text(stop)));
        }
        if let Some(shape) = &ask.shape {
            config.text("responseMimeType", "application/json");
            if let Shape::Schema { schema, .. } = shape {
                config.raw("responseJsonSchema", schema);
            }
        }
        match ask.thinking {
            Some((Thinking::Off, _)) => config.raw("thinkingConfig", "{\"thinkingBudget\":0}"),
            Some((Thinking::Free, _)) => config.raw("thinkingConfig", "{\"thinkingBudget\":-1,\"includeThoughts\":true}"),
            Some((Thinking::Budget(budget), _)) => {
                let tokens = budget.whole()?;
                config.object("thinkingConfig", |thinking| {
                    thinking.raw("thinkingBudget", tokens);
                    thinking.raw("includeThoughts", "true");
                });
            }
            Some((Thinking::Effort(effort), _)) => {
                config.object("thinkingConfig", |thinking| thinking.text("thinkingLevel", &effort.word().to_ascii_uppercase()));
            }
            None => {}
        }
        Ok(())
    })
}
