import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { ByteSink } from './byteSink.js';
import { hasNames } from './classNames.js';
import type { PredictionWriter } from './predictionWriter.js';
import { textBuffer } from './textBuffer.js';

/**
 * A JSON object a line: `{"row":0,"class":2,"name":"two","probabilities":[…]}`, or `{"row":0,"value":1.5}` for a regression; `name` and
 * `probabilities` where there are any. With ids, `"id":"…"` stands for the number of the row.
 */
export function jsonlWriter(
  sink: ByteSink,
  model: ScoreMeaning,
  probabilityColumns: number,
): PredictionWriter {
  const names = hasNames(model) ? model.classNames.map((name) => `,"name":${JSON.stringify(name)}`) : [];
  const text = textBuffer(sink);
  const what = model.task === 'regression' ? 'value' : 'class';
  return {
    async begin() {},
    append(row, prediction, probabilities, id) {
      const first = id === undefined ? `{"row":${row}` : `{"id":${JSON.stringify(id)}`;
      let line = `${first},"${what}":${prediction}${names[prediction] ?? ''}`;
      if (probabilityColumns > 0) {
        line += `,"probabilities":[${probabilities![0]!}`;
        for (let c = 1; c < probabilityColumns; c++) line += `,${probabilities![c]!}`;
        line += ']';
      }
      return text.add(`${line}}\n`);
    },
    flush: text.flush,
    end: text.flush,
  };
}
