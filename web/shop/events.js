// Server-sent events read with fetch: EventSource cannot send the header that says who asks.

import { Problem, parseExact, problemOf } from "../http.js";
import { personHeaders } from "../person.js";

/**
 * Calls `hear` with the data of each event of a stream until it ends. `last` is the id of the last
 * one that was heard; returns the last one now, or null if there is nothing more to hear.
 */
export async function readEvents(path, last, hear, signal) {
  const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }), ...(await personHeaders()) };
  const response = await asked(path, headers, signal);
  if (response.status === 204) return null;
  if (!response.ok) throw problemOf(response, await response.text());
  let id = last;
  for await (const event of events(response.body, signal)) {
    id = event.id || id;
    hear(parseExact(event.data));
  }
  return id;
}

async function asked(path, headers, signal) {
  try {
    return await fetch(path, { headers, signal, cache: "no-store" });
  } catch (error) {
    throw signal.aborted ? error : new Problem("unreachable");
  }
}

async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (text + value).split(/\r\n\r\n|\n\n|\r\r/);
      text = blocks.pop();
      yield* blocks.map(parsed).filter(({ data }) => data);
    }
  } catch (error) {
    throw signal.aborted ? error : new Problem("unreachable");
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** One event: fields of the same name are lines of one text (HTML standard, 9.2.6). */
function parsed(block) {
  const event = { data: [], id: [] };
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^(data|id): ?(.*)$/.exec(line) ?? [];
    if (name) event[name].push(value);
  }
  return { data: event.data.join("\n"), id: event.id.at(-1) ?? "" };
}
