/** Numbers in rising order: of rows of a class, or of the rest. */
export interface SortedStream {
  readonly positive: boolean;
  readonly length: number;
  /** All of them; with `refill` only a piece at a time. */
  readonly values: Float64Array;
  /** Brings the `count` numbers from number `from` on to the front of `values`. */
  readonly refill?: (from: number, count: number) => Promise<void>;
}

/** Walks through all streams together from the smallest number up: each different one, with how often it is in streams of each kind. */
export async function mergeRuns(
  streams: readonly SortedStream[],
  visit: (number: number, positives: number, negatives: number) => void,
): Promise<void> {
  /** Numbers taken from a stream; where its next one lies; behind the last that lies there. */
  const taken = new Float64Array(streams.length);
  const next = new Float64Array(streams.length);
  const filled = new Float64Array(streams.length);
  const fill = async (s: number) => {
    const { values, length, refill } = streams[s]!;
    const count = Math.min(length - taken[s]!, refill === undefined ? length : values.length);
    if (count > 0) await refill?.(taken[s]!, count);
    next[s] = 0;
    filled[s] = count;
  };
  /** Streams that are not empty, as a heap by their next number. */
  const heap = new Int32Array(streams.length);
  const heads = new Float64Array(streams.length);
  let size = 0;
  const siftDown = (from: number) => {
    const stream = heap[from]!;
    const key = heads[stream]!;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && heads[heap[child + 1]!]! < heads[heap[child]!]!) child++;
      if (heads[heap[child]!]! >= key) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = stream;
  };
  for (const [s, { values, length }] of streams.entries()) {
    if (length === 0) continue;
    await fill(s);
    heads[s] = values[0]!;
    heap[size++] = s;
  }
  for (let i = (size >> 1) - 1; i >= 0; i--) siftDown(i);
  while (size > 0) {
    const number = heads[heap[0]!]!;
    let [positives, negatives] = [0, 0];
    while (size > 0 && heads[heap[0]!]! === number) {
      const s = heap[0]!;
      const { positive, values, length } = streams[s]!;
      let at = next[s]!;
      const first = at;
      while (at < filled[s]! && values[at] === number) at++;
      taken[s]! += at - first;
      if (positive) positives += at - first;
      else negatives += at - first;
      next[s] = at;
      if (at === filled[s] && taken[s]! < length) await fill(s);
      if (taken[s] === length) heap[0] = heap[--size]!;
      else heads[s] = values[next[s]!]!;
      if (size > 0) siftDown(0);
    }
    visit(number, positives, negatives);
  }
}
