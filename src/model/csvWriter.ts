import type { ScoreMeaning } from '../ssgd/linearModel.js';
import type { ByteSink } from './byteSink.js';
import { hasNames } from './classNames.js';
import { outputNames } from './outputNames.js';
import type { PredictionWriter } from './predictionWriter.js';
import { textBuffer } from './textBuffer.js';

/** A CSV field, quoted when it must be (RFC 4180). */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * CSV with a header: `row,class`, with `,name` when the classes have names other than their numbers and `,p0,p1,…` when probabilities are
 * asked for; `row,value` for a regression, or `row,prediction_<label>,…` with several outputs. With `idName` that and the ids stand for `row` and the numbers of the rows.
 */
export function csvWriter(
  sink: ByteSink,
  model: ScoreMeaning,
  probabilityColumns: number,
  idName?: string,
): PredictionWriter {
  // Names that are the class numbers themselves say nothing new.
  const named = hasNames(model);
  const names = model.classNames.map(csvField);
  const outputs = outputNames(model);
  const text = textBuffer(sink);
  return {
    async begin() {
      const first = idName === undefined ? 'row' : csvField(idName);
      if (outputs !== undefined) {
        text.add(`${[first, ...outputs.map(csvField)].join(',')}\n`);
        return;
      }
      if (model.task === 'regression') {
        text.add(`${first},value\n`);
        return;
      }
      const columns = Array.from({ length: probabilityColumns }, (_, c) => `,p${c}`).join('');
      text.add(`${first},class${named ? ',name' : ''}${columns}\n`);
    },
    append(row, prediction, probabilities, id) {
      let line = `${id === undefined ? row : csvField(id)}`;
      if (outputs === undefined) line += `,${prediction}`;
      if (named) line += `,${names[prediction] ?? ''}`;
      for (let c = 0; c < probabilityColumns; c++) line += `,${probabilities![c]!}`;
      return text.add(`${line}\n`);
    },
    flush: text.flush,
    end: text.flush,
  };
}
