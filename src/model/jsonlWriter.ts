import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { ByteSink } from './byteSink.js';
import { hasNames } from './classNames.js';
import { outputNames } from './outputNames.js';
import type { PredictionWriter } from './predictionWriter.js';
import { textBuffer } from './textBuffer.js';

/**
 * A JSON object a line: `{"row":0,"class":2,"name":"two","probabilities":[…]}`, or `{"row":0,"value":1.5}` for a regression (with several outputs
 * `{"row":0,"prediction_<label>":1.5,…}`); `name` and `probabilities` where there are any. With ids, `"id":"…"` stands for the number of the row.
 */
export function jsonlWriter(
  sink: ByteSink,
  model: ScoreMeaning,
  probabilityColumns: number,
): PredictionWriter {
  const names = hasNames(model) ? model.classNames.map((name) => `,"name":${JSON.stringify(name)}`) : [];
  const outputs = outputNames(model)?.map((name) => `,${JSON.stringify(name)}:`);
  const text = textBuffer(sink);
  const what = model.task === 'regression' ? 'value' : 'class';
  return {
    async begin() {},
    append(row, prediction, probabilities, id) {
      const first = id === undefined ? `{"row":${row}` : `{"id":${JSON.stringify(id)}`;
      if (outputs !== undefined) {
        let line = first;
        for (let c = 0; c < outputs.length; c++) line += `${outputs[c]}${probabilities![c]!}`;
        return text.add(`${line}}\n`);
      }
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
