import type { ByteSink } from './byteSink.js';

const FLUSH_AT = 32768;

/** Text on its way to a sink, in pieces worth a write. `add` returns a promise when the caller must wait before the next call. */
export function textBuffer(sink: ByteSink): {
  add(piece: string): Promise<void> | undefined;
  flush(): Promise<void>;
} {
  const encoder = new TextEncoder();
  let text = '';
  const flush = async () => {
    if (text === '') return;
    const bytes = encoder.encode(text);
    text = '';
    await sink.write(bytes);
  };
  return {
    add(piece) {
      text += piece;
      return text.length >= FLUSH_AT ? flush() : undefined;
    },
    flush,
  };
}
