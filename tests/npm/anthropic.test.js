// The `@anthropic-ai/sdk` package, unmodified, against the gate in front of the scripted provider.

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { z } from "zod";
import { all, CARD, ECHO, EMAIL, messageEvents, OTHER, PARAMETERS, PHONE, rig, SECRET, USE_TOOL } from "./harness.js";

const { url, strictUrl, upstream } = await rig();
const client = new Anthropic({ baseURL: url, apiKey: "not-a-key", maxRetries: 0 });
const strict = new Anthropic({ baseURL: strictUrl, apiKey: "not-a-key", maxRetries: 0 });
const model = "claude-test";
const ask = (content, more = {}) => ({ model, max_tokens: 100, messages: [{ role: "user", content }], ...more });
const tool = { name: "send_note", description: "Sends a note.", input_schema: PARAMETERS };
const used = (message) => message.content.filter((block) => block.type === "tool_use").map(({ name, input }) => ({ name, input }));

test("whole", async () => {
  const answer = await client.messages.create(ask(ECHO, { system: `You write for ${EMAIL}.` }));
  assert.equal(answer.content[0].text, `You said: ${ECHO}`);
  assert.equal(answer.stop_reason, "end_turn");
  await upstream.absent();
});

test("streaming", async () => {
  const stream = client.messages.stream(ask(ECHO));
  let text = "";
  stream.on("text", (piece) => (text += piece));
  assert.equal(await stream.finalText(), `You said: ${ECHO}`);
  assert.equal(text, `You said: ${ECHO}`);
  const events = (await all(await client.messages.create(ask(ECHO, { stream: true })))).map((one) => one.type);
  assert.equal(events[0], "message_start");
  assert.equal(events.at(-1), "message_stop");
  await upstream.absent();
});

test("a secret is not restored", async () => {
  const answer = await client.messages.create(ask(`The token is ${SECRET} for now.`));
  assert.ok(!answer.content[0].text.includes(SECRET));
  await upstream.absent();
});

test("tool use, whole and streamed", async () => {
  const expected = [{ name: "send_note", input: { text: USE_TOOL } }];
  const answer = await client.messages.create(ask(USE_TOOL, { tools: [tool] }));
  assert.equal(answer.stop_reason, "tool_use");
  assert.deepEqual(used(answer), expected);
  assert.deepEqual(used(await client.messages.stream(ask(USE_TOOL, { tools: [tool] })).finalMessage()), expected);
  await upstream.absent();
});

test("a tool result goes back", async () => {
  const messages = [
    { role: "user", content: [{ type: "text", text: `Write to ${EMAIL}.` }] },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "send_note", input: { text: `To ${EMAIL}` } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: `Sent to ${EMAIL}.` }, { type: "text", text: `Thanks, ${EMAIL}.` }] },
  ];
  const answer = await client.messages.create({ model, max_tokens: 100, messages, tools: [tool] });
  assert.equal(answer.content[0].text, `You said: Thanks, ${EMAIL}.`);
  await upstream.absent();
});

test("the helper runs a tool with the caller's own values", async () => {
  const seen = [];
  const run = async ({ text }) => (seen.push(text), `Sent to ${EMAIL}.`);
  const runnable = betaZodTool({ name: "send_note", description: "Sends a note.", inputSchema: z.object({ text: z.string() }), run });
  await client.beta.messages.toolRunner({ ...ask(USE_TOOL), tools: [runnable], max_iterations: 2 });
  assert.equal(seen[0], USE_TOOL);
  const [, second] = await upstream.requests();
  assert.match(second.body, /tool_result/);
  await upstream.absent();
});

test("thinking and its signature", async () => {
  const block = { type: "thinking", thinking: "They write.", signature: "c2VhbGVkIHRoaW5raW5n" };
  const messages = [{ role: "user", content: ECHO }, { role: "assistant", content: [block, { type: "text", text: "Done." }] }, { role: "user", content: ECHO }];
  const answer = await client.messages.create({ model, max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1024 }, messages });
  assert.equal(answer.content[0].text, `You said: ${ECHO}`);
  assert.deepEqual(JSON.parse((await upstream.requests())[0].body).messages[1].content[0], block);
  await upstream.absent();
});

test("count tokens", async () => {
  assert.ok((await client.messages.countTokens({ model, messages: [{ role: "user", content: ECHO }] })).input_tokens > 0);
  await upstream.absent();
});

test("a file that nobody can read is refused", async () => {
  const source = { type: "base64", media_type: "application/pdf", data: "JVBERi0xLjQK" };
  await assert.rejects(client.messages.create(ask([{ type: "document", source }, { type: "text", text: "Read this." }])), (error) => {
    assert.ok(error instanceof Anthropic.PermissionDeniedError);
    assert.equal(error.error.error.type, "permission_error");
    return error.error.error.message.length > 20;
  });
  await upstream.untouched();
});

test("a document in text is edited like any text", async () => {
  const source = { type: "text", media_type: "text/plain", data: `Her address is ${EMAIL}.` };
  const answer = await client.messages.create(ask([{ type: "document", source }, { type: "text", text: `Repeat ${EMAIL}.` }]));
  assert.equal(answer.content[0].text, `You said: Repeat ${EMAIL}.`);
  await upstream.absent();
});

test("what the model brings in is redacted, over the pieces of a stream", async () => {
  await upstream.nextAnswer(messageEvents("Write to ", OTHER.slice(0, 9), OTHER.slice(9), "."));
  assert.equal(await client.messages.stream(ask("Who?")).finalText(), "Write to [REDACTED_EMAIL].");
});

test("a policy ends a stream with its sentence", async () => {
  await upstream.nextAnswer(messageEvents("The harbour is open. ", `Call ${PHONE.slice(0, 6)}`, `${PHONE.slice(6)} `, "for more."));
  let seen = "";
  await assert.rejects(async () => {
    for await (const one of await strict.messages.create(ask("Tell me.", { stream: true }))) seen += one.delta?.text ?? "";
  }, /phone/);
  assert.ok(!seen.includes(PHONE.slice(0, 6)));
});

test("an error of the provider", async () => {
  await upstream.nextAnswer([JSON.stringify({ type: "error", error: { type: "rate_limit_error", message: `no quota for ${OTHER}` } })], { status: 429 });
  await assert.rejects(client.messages.create(ask(`Card ${CARD}.`)), (error) => error instanceof Anthropic.RateLimitError && /no quota/.test(error.message) && !error.message.includes(OTHER));
  await upstream.absent();
});

test("unknown route", async () => {
  await assert.rejects(client.post("/v1/messages/no/such/route", { body: {} }), Anthropic.NotFoundError);
  await upstream.untouched();
});
