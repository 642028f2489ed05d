import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { ByteSink } from './byteSink.js';
import type { PredictionWriter } from './predictionWriter.js';

const FLUSH_AT = 32768;

/** A CSV field, quoted when it must be (RFC 4180). */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * CSV with a header: `row,class`, with `,name` when the classes have names other than their numbers and `,p0,p1,…` when probabilities are
 * asked for; `row,value` for a regression.
 */
export function csvWriter(sink: ByteSink, model: ScoreMeaning, probabilityColumns: number): PredictionWriter {
  // Names that are the class numbers themselves say nothing new.
  const named = model.classNames.some((name, c) => name !== String(c));
  const names = model.classNames.map(csvField);
  const encoder = new TextEncoder();
  let text = '';
  const flush = async () => {
    const bytes = encoder.encode(text);
    text = '';
    await sink.write(bytes);
  };
  return {
    async begin() {
      if (model.task === 'regression') text = 'row,value\n';
      else {
        const columns = Array.from({ length: probabilityColumns }, (_, c) => `,p${c}`).join('');
        text = `row,class${named ? ',name' : ''}${columns}\n`;
      }
    },
    append(row, prediction, probabilities) {
      text += `${row},${prediction}`;
      if (named) text += `,${names[prediction] ?? ''}`;
      for (let c = 0; c < probabilityColumns; c++) text += `,${probabilities![c]!}`;
      text += '\n';
      return text.length >= FLUSH_AT ? flush() : undefined;
    },
    async end() {
      if (text !== '') await flush();
    },
  };
}
