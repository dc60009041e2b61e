// Starts the scripted provider and the gate, and tells what reached the provider. The same as `tests/sdk/conftest.py`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, beforeEach } from "node:test";

const ROOT = resolve(import.meta.dirname, "../..");
const GATE = process.env.BARTIZAN_BINARY ?? join(ROOT, "target/release/bartizan");
// The AI SDK warns of a model that it does not know; the provider is scripted, so its name says nothing.
globalThis.AI_SDK_LOG_WARNINGS = false;
const UPSTREAM = process.env.UPSTREAM_BINARY ?? join(ROOT, "target/release/upstream");

// Made-up values of the kinds that the default policies guard. The token in parts, for a scanner could take it for a real one.
export const EMAIL = "wilhelmina.harker@example.com";
export const CARD = "4111 1111 1111 1111";
export const PHONE = "+1 415 555 0132";
export const SECRET = "gh" + "p_" + "kJwpyC5HTJ7M0wSzaRuwkMqcZa2rtf2W9Zr2";
export const OTHER = "other.person@example.org";
export const ECHO = `Write to ${EMAIL} about card ${CARD} please.`;
export const USE_TOOL = `Please use the tool and write to ${EMAIL} about card ${CARD}.`;
export const PARAMETERS = { type: "object", properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false };

const STREAM_BLOCK = `
@id("test.no-phones-from-the-model")
@coach("The answer held a phone number, which may not be shown here.")
forbid (principal, action == Action::"complete", resource)
when { context.labels.contains("pii.phone") };
`;

// A child that prints one ready line.
async function start(program, args, log) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", log ? openSync(log, "a") : "ignore"] });
  const ended = new Promise((done) => child.once("close", done));
  child.once("error", () => {});
  const shown = () => (log ? readFileSync(log, "utf8").slice(-2000) : "");
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = JSON.parse(line);
    if (ready.ready !== true) break;
    return { ready, stop: async () => (child.kill(), await ended) };
  }
  child.kill();
  throw new Error(`${program} was not ready\n${shown()}`);
}

async function call(base, method, path, body) {
  const answer = await fetch(base + path, { method, body: body && JSON.stringify(body) });
  return JSON.parse(await answer.text());
}

// The provider behind the gate, the gate with its default policies, and one where a phone number blocks an answer.
// Ended with the file.
export async function rig() {
  const folder = mkdtempSync(join(tmpdir(), "bartizan-npm-"));
  const provider = await start(UPSTREAM, ["--mode", "echo"]);
  const base = `http://${provider.ready.address}`;
  const gate = (name, ...more) =>
    start(
      GATE,
      ["up", "--data", join(folder, name), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--upstream", provider.ready.url, ...more],
      join(folder, `${name}.log`),
    );
  const policies = join(folder, "policies");
  cpSync(join(ROOT, "policies"), policies, { recursive: true, filter: (from) => !from.endsWith("tests") });
  writeFileSync(join(policies, "strict.cedar"), STREAM_BLOCK);
  const [plain, strict] = [await gate("plain"), await gate("strict", "--policies", policies)];

  const upstream = {
    requests: () => call(base, "GET", "/__requests"),
    forget: () => call(base, "DELETE", "/__requests"),
    // One piece is a whole body, several are an event stream.
    nextAnswer: (pieces, more = {}) => call(base, "POST", "/__script", { pieces, ...more }),
    bodies: async () => (await upstream.requests()).map((request) => request.body).join("\n"),
    // Something reached the provider, and none of the caller's values were in it.
    absent: async () => {
      const bodies = await upstream.bodies();
      assert.ok(bodies, "nothing reached the provider");
      for (const value of [EMAIL, CARD, CARD.replaceAll(" ", ""), SECRET]) assert.ok(!bodies.includes(value), `${value} reached the provider`);
    },
    // What the provider saw in place of a value of the kind.
    pseudonym: async (kind) => (await upstream.bodies()).match(new RegExp(`\\b${kind}_[A-Za-z0-9]+`))[0],
    untouched: async () => assert.deepEqual(await upstream.requests(), [], "a refused request reached the provider"),
  };
  beforeEach(() => upstream.forget());
  after(async () => {
    for (const one of [plain, strict, provider]) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { url: plain.ready.gate, strictUrl: strict.ready.gate, upstream };
}

export async function all(stream) {
  const seen = [];
  for await (const one of stream) seen.push(one);
  return seen;
}

export const data = (body) => `data: ${JSON.stringify(body)}\n\n`;
export const event = (body) => `event: ${body.type}\n${data(body)}`;
export const DONE = "data: [DONE]\n\n";

export function chatAnswer(content) {
  const choice = { index: 0, message: { role: "assistant", content, refusal: null }, finish_reason: "stop" };
  return JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
}

export function chatDelta(content, finish_reason = null) {
  return data({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content }, finish_reason }] });
}

// A stream of Anthropic's with one text in these parts.
export function messageEvents(...parts) {
  const message = { id: "m", type: "message", role: "assistant", model: "m", content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } };
  return [
    event({ type: "message_start", message }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...parts.map((text) => event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 2 } }),
    event({ type: "message_stop" }),
  ];
}

export const embeddings = (count) =>
  JSON.stringify({ object: "list", model: "m", data: Array.from({ length: count }, (_, index) => ({ object: "embedding", index, embedding: [0.25, 0.5] })), usage: { prompt_tokens: 1, total_tokens: 1 } });
