// The AI SDK (`ai`) with its providers, unmodified, against the gate in front of the scripted provider.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { all, CARD, chatAnswer, chatDelta, data, DONE, ECHO, EMAIL, embeddings, messageEvents, OTHER, PHONE, rig, SECRET, USE_TOOL } from "./harness.js";

const { url, strictUrl, upstream } = await rig();

const apiKey = "not-a-key";
const makers = {
  "openai, responses": (base) => createOpenAI({ baseURL: `${base}/v1`, apiKey })("gpt-4o-mini"),
  "openai, chat": (base) => createOpenAI({ baseURL: `${base}/v1`, apiKey }).chat("gpt-4o-mini"),
  "openai-compatible": (base) => createOpenAICompatible({ name: "gate", baseURL: `${base}/v1`, apiKey, supportsStructuredOutputs: true })("some-model"),
  anthropic: (base) => createAnthropic({ baseURL: `${base}/v1`, apiKey })("claude-test"),
  google: (base) => createGoogle({ baseURL: `${base}/v1beta`, apiKey })("gemini-2.5-flash"),
};
const ofChat = ["openai, chat", "openai-compatible"];
const geminiEvent = (text) => data({ candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason: null }] });
const responseEvents = (...parts) => {
  const text = parts.join("");
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const item = { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text, annotations: [] }] };
  const response = { id: "resp_1", object: "response", created_at: 1, model: "m", output: [item], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } };
  return [
    { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
    ...parts.map((delta) => ({ type: "response.output_text.delta", ...place, delta })),
    { type: "response.output_text.done", ...place, text },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { ...response, status: "completed" } },
  ].map((one, sequence_number) => `event: ${one.type}\n${data({ ...one, sequence_number })}`);
};
// A stream of the provider with one text in these parts.
const script = (name, ...parts) => {
  if (name === "openai, responses") return responseEvents(...parts);
  if (name === "anthropic") return messageEvents(...parts);
  if (name === "google") return parts.map(geminiEvent);
  return [...parts.map((part) => chatDelta(part)), chatDelta("", "stop"), DONE];
};

for (const [name, make] of Object.entries(makers)) {
  describe(name, () => {
    const model = make(url);
    const common = { model, maxRetries: 0, onError: () => {} };
    const sendNote = (seen) =>
      tool({
        description: "Sends a note.",
        inputSchema: z.object({ text: z.string() }),
        execute: async ({ text }) => (seen.push(text), `Sent to ${EMAIL}.`),
      });

    test("whole", async () => {
      const answer = await generateText({ ...common, system: `You write for ${EMAIL}.`, prompt: ECHO });
      assert.equal(answer.text, `You said: ${ECHO}`);
      assert.ok(answer.usage.totalTokens > 0);
      await upstream.absent();
    });

    test("streaming", async () => {
      const pieces = await all(streamText({ ...common, prompt: ECHO }).textStream);
      assert.equal(pieces.join(""), `You said: ${ECHO}`);
      assert.ok(pieces.length > 3);
      await upstream.absent();
    });

    test("a secret is not restored", async () => {
      const { text } = await generateText({ ...common, prompt: `The token is ${SECRET} for now.` });
      assert.ok(text && !text.includes(SECRET));
      await upstream.absent();
    });

    test("a tool runs with the caller's own values, its result goes back", async () => {
      const seen = [];
      await generateText({ ...common, prompt: USE_TOOL, tools: { send_note: sendNote(seen) }, stopWhen: stepCountIs(2) });
      assert.equal(seen[0], USE_TOOL);
      assert.equal((await upstream.requests()).length, 2);
      await upstream.absent();
    });

    test("a tool runs in a stream", async () => {
      const seen = [];
      const parts = await all(streamText({ ...common, prompt: USE_TOOL, tools: { send_note: sendNote(seen) }, stopWhen: stepCountIs(2) }).fullStream);
      assert.equal(seen[0], USE_TOOL);
      assert.deepEqual(parts.find((part) => part.type === "tool-call").input, { text: USE_TOOL });
      assert.deepEqual(parts.filter((part) => part.type === "error"), []);
      await upstream.absent();
    });

    test("a conversation", async () => {
      const first = { role: "user", content: ECHO };
      const again = await generateText({ ...common, messages: [first, { role: "assistant", content: `Written to ${EMAIL}.` }, { role: "user", content: `Repeat ${EMAIL}.` }] });
      assert.equal(again.text, `You said: Repeat ${EMAIL}.`);
      await upstream.absent();
    });

    test("what the model brings in is redacted, over the pieces of a stream", async () => {
      await upstream.nextAnswer(script(name, "Write to ", OTHER.slice(0, 9), OTHER.slice(9), "."));
      assert.equal((await all(streamText({ ...common, prompt: "Who?" }).textStream)).join(""), "Write to [REDACTED_EMAIL].");
    });

    test("a policy ends a stream with its sentence", async () => {
      await upstream.nextAnswer(script(name, "The harbour is open. ", `Call ${PHONE.slice(0, 6)}`, `${PHONE.slice(6)} `, "for more."));
      const parts = await all(streamText({ ...common, model: make(strictUrl), prompt: "Tell me." }).fullStream);
      const shown = parts.filter((part) => part.type === "text-delta").map((part) => part.text).join("");
      assert.ok(!shown.includes(PHONE.slice(0, 6)), shown);
      const told = parts.filter((part) => part.type === "error").map((part) => JSON.stringify(part.error) + String(part.error?.message));
      assert.match(told.join(), /phone/);
    });

    test("a file that nobody can read is refused", async () => {
      const content = [{ type: "text", text: `Read this, ${EMAIL}.` }, { type: "file", data: Buffer.from("%PDF-1.4\n"), mediaType: "application/pdf", filename: "a.pdf" }];
      await assert.rejects(generateText({ ...common, messages: [{ role: "user", content }] }), (error) => {
        assert.ok(APICallError.isInstance(error), String(error));
        return error.statusCode === 403 && /uninspected/.test(error.message);
      });
      await upstream.untouched();
    });

    test("an error of the provider", async () => {
      const error = { type: "rate_limit_error", code: 429, status: "RESOURCE_EXHAUSTED", message: `no quota for ${OTHER}` };
      await upstream.nextAnswer([JSON.stringify({ type: "error", error })], { status: 429 });
      await assert.rejects(generateText({ ...common, prompt: `Card ${CARD}.` }), (error) => error.statusCode === 429 && /no quota/.test(error.message) && !error.message.includes(OTHER));
      await upstream.absent();
    });

    if (ofChat.includes(name)) {
      test("structured output, whole and streamed", async () => {
        await generateText({ ...common, prompt: ECHO });
        const value = await upstream.pseudonym("EMAIL");
        const output = Output.object({ schema: z.object({ text: z.string() }) });
        await upstream.nextAnswer([chatAnswer(JSON.stringify({ text: `For ${value}.` }))]);
        assert.deepEqual((await generateText({ ...common, prompt: ECHO, output })).output, { text: `For ${EMAIL}.` });
        await upstream.nextAnswer([chatDelta('{"text":"For '), chatDelta(value.slice(0, 8)), chatDelta(value.slice(8)), chatDelta('."}'), chatDelta("", "stop"), DONE]);
        assert.deepEqual(await streamText({ ...common, prompt: ECHO, output }).output, { text: `For ${EMAIL}.` });
        assert.match((await upstream.requests()).at(-1).body, /json_schema/);
        await upstream.absent();
      });
    }
  });
}

test("embeddings", async () => {
  const values = [ECHO, `To ${EMAIL}`];
  const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey }).embedding("m");
  const compatible = createOpenAICompatible({ name: "gate", baseURL: `${url}/v1`, apiKey }).embeddingModel("m");
  for (const model of [openai, compatible]) {
    await upstream.nextAnswer([embeddings(2)]);
    assert.deepEqual((await embedMany({ model, values, maxRetries: 0 })).embeddings, [[0.25, 0.5], [0.25, 0.5]]);
  }
  const google = createGoogle({ baseURL: `${url}/v1beta`, apiKey }).embedding("m");
  assert.equal((await embedMany({ model: google, values, maxRetries: 0 })).embeddings.length, 2);
  await upstream.absent();
});
