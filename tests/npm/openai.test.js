// The `openai` package, unmodified, against the gate in front of the scripted provider.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, CARD, chatAnswer, chatDelta, DONE, ECHO, EMAIL, embeddings, OTHER, PARAMETERS, PHONE, rig, SECRET, USE_TOOL } from "./harness.js";

const { url, strictUrl, upstream } = await rig();
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "not-a-key", maxRetries: 0 });
const strict = new OpenAI({ baseURL: `${strictUrl}/v1`, apiKey: "not-a-key", maxRetries: 0 });
const model = "gpt-4o-mini";
const ask = (content, more = {}) => ({ model, messages: [{ role: "user", content }], ...more });
const chat = (content, more) => client.chat.completions.create(ask(content, more));
const tool = { type: "function", function: { name: "send_note", description: "Sends a note.", parameters: PARAMETERS } };
const flat = { type: "function", strict: true, ...tool.function };
const Note = z.object({ text: z.string() });
const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

test("whole", async () => {
  const { data, response } = await client.chat.completions.create(ask(ECHO)).withResponse();
  assert.equal(data.choices[0].message.content, `You said: ${ECHO}`);
  assert.equal(response.headers.get("bartizan-decision"), "remedied");
  assert.ok(data.usage.total_tokens > 0);
  await upstream.absent();
});

test("streaming", async () => {
  const chunks = await all(await chat(ECHO, { stream: true, stream_options: { include_usage: true } }));
  assert.equal(textOf(chunks), `You said: ${ECHO}`);
  assert.ok(chunks.length > 3);
  await upstream.absent();
});

test("stream helper", async () => {
  const stream = client.chat.completions.stream(ask(ECHO));
  assert.equal(await stream.finalContent(), `You said: ${ECHO}`);
  await upstream.absent();
});

test("a secret is not restored", async () => {
  const answer = await chat(`The token is ${SECRET} for now.`);
  assert.ok(!answer.choices[0].message.content.includes(SECRET));
  await upstream.absent();
});

test("tool call", async () => {
  const [call] = (await chat(USE_TOOL, { tools: [tool] })).choices[0].message.tool_calls;
  assert.equal(call.function.name, "send_note");
  assert.deepEqual(JSON.parse(call.function.arguments), { text: USE_TOOL });
  await upstream.absent();
});

test("tool call streamed", async () => {
  const stream = client.chat.completions.stream(ask(USE_TOOL, { tools: [tool] }));
  const [call] = (await stream.finalMessage()).tool_calls;
  assert.deepEqual(JSON.parse(call.function.arguments), { text: USE_TOOL });
  await upstream.absent();
});

test("the helper runs a tool with the caller's own values and sends the result back", async () => {
  const seen = [];
  const run = ({ text }) => {
    seen.push(text);
    return `Sent to ${EMAIL}.`;
  };
  const runnable = { type: "function", function: { ...tool.function, parse: JSON.parse, function: run } };
  // Asked again, the provider calls no tool, so the run ends.
  const runner = client.chat.completions.runTools(ask(USE_TOOL, { tools: [runnable] }), { maxChatCompletions: 1 });
  await runner.done();
  assert.deepEqual(seen, [USE_TOOL]);
  const again = [...runner.messages, { role: "user", content: `Repeat ${EMAIL}.` }];
  const answer = await client.chat.completions.create({ model, messages: again });
  assert.equal(answer.choices[0].message.content, `You said: Repeat ${EMAIL}.`);
  await upstream.absent();
});

test("structured output", async () => {
  await chat(ECHO);
  await upstream.nextAnswer([chatAnswer(JSON.stringify({ text: `For ${await upstream.pseudonym("EMAIL")}.` }))]);
  const answer = await client.chat.completions.parse(ask(ECHO, { response_format: zodResponseFormat(Note, "note") }));
  assert.deepEqual(answer.choices[0].message.parsed, { text: `For ${EMAIL}.` });
  await upstream.absent();
});

test("responses", async () => {
  const answer = await client.responses.create({ model, input: ECHO, instructions: `You know ${EMAIL}.` });
  assert.equal(answer.output_text, `You said: ${ECHO}`);
  await upstream.absent();
});

test("responses streamed", async () => {
  const events = await all(await client.responses.create({ model, input: ECHO, stream: true }));
  const deltas = events.filter((one) => one.type === "response.output_text.delta").map((one) => one.delta);
  assert.equal(deltas.join(""), `You said: ${ECHO}`);
  assert.equal(events.at(-1).type, "response.completed");
  assert.equal(events.at(-1).response.output[0].content[0].text, `You said: ${ECHO}`);
  const final = await client.responses.stream({ model, input: ECHO }).finalResponse();
  assert.equal(final.output_text, `You said: ${ECHO}`);
  await upstream.absent();
});

test("responses with a tool, its result and a schema", async () => {
  const answer = await client.responses.create({ model, input: USE_TOOL, tools: [flat], text: { format: zodTextFormat(Note, "note") } });
  const [call] = answer.output;
  assert.deepEqual(JSON.parse(call.arguments), { text: USE_TOOL });
  const output = { type: "function_call_output", call_id: call.call_id, output: `Sent to ${EMAIL}.` };
  const input = [{ role: "user", content: USE_TOOL }, { type: "function_call", call_id: call.call_id, name: call.name, arguments: call.arguments }, output, { role: "user", content: `Repeat ${EMAIL}.` }];
  assert.equal((await client.responses.create({ model, input })).output_text, `You said: Repeat ${EMAIL}.`);
  const streamed = await client.responses.stream({ model, input: USE_TOOL, tools: [flat] }).finalResponse();
  assert.deepEqual(JSON.parse(streamed.output[0].arguments), { text: USE_TOOL });
  await upstream.absent();
});

test("embeddings", async () => {
  await upstream.nextAnswer([embeddings(2)]);
  const found = await client.embeddings.create({ model, input: [ECHO, `To ${EMAIL}`], encoding_format: "float" });
  assert.deepEqual(found.data.map((one) => one.embedding), [[0.25, 0.5], [0.25, 0.5]]);
  await upstream.absent();
});

test("a file that nobody can read is refused", async () => {
  const file = { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0xLjQK" } };
  await assert.rejects(chat([{ type: "text", text: `Read this, ${EMAIL}.` }, file]), (error) => {
    assert.ok(error instanceof OpenAI.PermissionDeniedError);
    assert.equal(error.code, "policy_blocked");
    return error.headers.get("bartizan-decision") === "blocked";
  });
  await upstream.untouched();
});

test("a file with a value in it goes on as its text, a clean one as it came", async () => {
  const file = (text) => ({ type: "file", file: { filename: "a.txt", file_data: `data:text/plain;base64,${Buffer.from(text).toString("base64")}` } });
  const answer = await chat([{ type: "text", text: `Read this, ${EMAIL}.` }, file(`Her address is ${EMAIL}.`)]);
  assert.ok(answer.choices[0].message.content.includes(`Her address is ${EMAIL}.`));
  const sent = await upstream.bodies();
  assert.ok(sent.includes("The text of the attached file") && sent.includes("Her address is EMAIL_") && !sent.includes("base64"));
  const clean = file("The harbour is open.");
  assert.equal((await chat([{ type: "text", text: `Read this, ${EMAIL}.` }, clean])).choices[0].message.content, `You said: Read this, ${EMAIL}.`);
  assert.ok((await upstream.bodies()).includes(clean.file.file_data));
  await upstream.absent();
});

test("what the model brings in is redacted, over the pieces of a stream", async () => {
  await upstream.nextAnswer([chatDelta("Write to "), chatDelta(OTHER.slice(0, 9)), chatDelta(OTHER.slice(9)), chatDelta("."), chatDelta("", "stop"), DONE]);
  assert.equal(textOf(await all(await chat("Who?", { stream: true }))), "Write to [REDACTED_EMAIL].");
});

test("a policy ends a stream with its sentence", async () => {
  await upstream.nextAnswer([chatDelta("The harbour is open. "), chatDelta(`Call ${PHONE.slice(0, 6)}`), chatDelta(`${PHONE.slice(6)} `), chatDelta("for more."), DONE]);
  let seen = "";
  await assert.rejects(async () => {
    for await (const chunk of await strict.chat.completions.create(ask("Tell me.", { stream: true }))) seen += chunk.choices[0].delta.content ?? "";
  }, /phone/);
  assert.ok(!seen.includes(PHONE.slice(0, 6)));
});

test("the provider dies in the middle", async () => {
  await upstream.nextAnswer([chatDelta("Half"), chatDelta("Half")], { dies: true });
  await assert.rejects(async () => all(await chat("Go on.", { stream: true })));
});

test("an error of the provider", async () => {
  await upstream.nextAnswer([JSON.stringify({ error: { type: "rate_limit_error", message: `no quota for ${OTHER}` } })], { status: 429 });
  await assert.rejects(chat(`Card ${CARD}.`), (error) => error instanceof OpenAI.RateLimitError && /no quota/.test(error.message) && !error.message.includes(OTHER));
  await upstream.absent();
});

test("unknown route", async () => {
  await assert.rejects(client.post("/no/such/route", { body: {} }), OpenAI.NotFoundError);
  await upstream.untouched();
});
