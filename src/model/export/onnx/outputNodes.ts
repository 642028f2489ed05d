import type { ScoreMeaning } from '../../../ssgd/linearModel.js';
import { classLabels, hasProbabilities } from '../classLabels.js';
import { ROWS } from './featureNodes.js';
import type { GraphBuilder, Value } from './graphBuilder.js';

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
  if (hasProbabilities(model)) {
    probabilities(graph, model, scores);
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

function probabilities(graph: GraphBuilder, { k, loss }: ScoreMeaning, scores: Value): void {
  const last = { axis: { integer: 1 } };
  if (k === 1) {
    const both = [graph.add('Neg', [scores]), scores].map((each) => graph.add('Sigmoid', [each]));
    graph.add('Concat', both, last, 'probabilities');
    return;
  }
  if (loss === 'softmax') {
    graph.add('Softmax', [scores], last, 'probabilities');
    return;
  }
  const each = graph.add('Sigmoid', [scores]);
  const sum = graph.add('ReduceSum', [each, graph.integers([1])], { keepdims: { integer: 1 } });
  // Every one-against-the-rest model may be sure that it is not its class.
  const some = graph.add('Greater', [sum, graph.scalar(0)]);
  const divisor = graph.add('Where', [some, sum, graph.scalar(1)]);
  const shares = graph.add('Div', [each, divisor]);
  graph.add('Where', [some, shares, graph.scalar(1 / k)], {}, 'probabilities');
}
