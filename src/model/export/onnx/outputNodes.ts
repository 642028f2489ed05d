import type { ScoreMeaning } from '../../../ssgd/linearModel.js';
import { givesProbabilities } from '../../probabilities.js';
import { classLabels } from '../classLabels.js';
import { ROWS } from './featureNodes.js';
import type { GraphBuilder, Value } from './graphBuilder.js';
import { probabilityNodes } from './probabilityNodes.js';

/** Names of the outputs; they are taken before those of the inputs. */
export const outputNames = ['label', 'probabilities', 'scores', 'value'] as const;

/** What the scores [rows, k] say, as outputs of the graph. */
export function outputNodes(graph: GraphBuilder, model: ScoreMeaning, scores: Value): void {
  const { k, task } = model;
  if (task === 'regression') {
    if (k === 1) graph.add('Squeeze', [scores, graph.integers([1])], {}, 'value');
    else graph.add('Identity', [scores], {}, 'value');
    graph.output('value', graph.precision, k === 1 ? [ROWS] : [ROWS, k]);
    return;
  }
  const names = classLabels(model);
  const classes = classNumbers(graph, k, scores, names === undefined ? 'label' : undefined);
  if (names !== undefined) graph.add('Gather', [graph.texts('class names', names), classes], {}, 'label');
  graph.output('label', names === undefined ? 'int64' : 'string', [ROWS]);
  if (givesProbabilities(model)) {
    probabilityNodes(graph, model, scores);
    graph.output('probabilities', graph.precision, [ROWS, Math.max(k, 2)]);
  }
  graph.add('Identity', [scores], {}, 'scores');
  graph.output('scores', graph.precision, [ROWS, k]);
}

function classNumbers(graph: GraphBuilder, k: number, scores: Value, result: string | undefined): Value {
  if (k > 1) return graph.add('ArgMax', [scores], { axis: { integer: 1 }, keepdims: { integer: 0 } }, result);
  const positive = graph.add('Greater', [scores, graph.scalar(0)]);
  const number = graph.cast(positive, 'int64');
  return graph.add('Squeeze', [number, graph.integers([1])], {}, result);
}
