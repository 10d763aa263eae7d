// Looks again and again at numbers whose points are not known yet: often at first, then less so.

import { Problem } from "../http.js";
import { listNumbers } from "./points-api.js";

const FIRST_MS = 1_000;
const LIMIT_MS = 15_000;
const FINAL = new Set(["INVALID", "PROCESSED"]);

/**
 * Returns a function that begins to look, or goes on with haste, while there is something to wait
 * for. `known()` are the numbers on display; `changed(numbers)` hears of those that differ.
 */
export function watchNumbers(signal, known, changed) {
  let timer = 0;
  let wait = FIRST_MS;
  const open = () => known().some(({ status }) => !FINAL.has(status));
  const plan = () => {
    clearTimeout(timer);
    if (open() && !signal.aborted) timer = setTimeout(look, wait);
  };
  const look = async () => {
    wait = Math.min(wait * 1.5, LIMIT_MS);
    if (document.hidden) return plan();
    try {
      const news = differing(known(), (await listNumbers(null, signal)).items);
      if (news.length) await changed(news);
    } catch (error) {
      if (!(error instanceof Problem) && !signal.aborted) throw error;
    }
    plan();
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    wait = FIRST_MS;
    plan();
  };
}

function differing(before, now) {
  const statuses = new Map(before.map(({ number, status }) => [number, status]));
  return now.filter(({ number, status }) => statuses.get(number) !== status);
}
