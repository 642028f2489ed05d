import type { ScoreMeaning } from '../../../ssgd/linearModel.js';
import type { IsotonicCurve, ScoreCalibration } from '../../../ssgd/scoreCalibration.js';
import type { GraphBuilder, Value } from './graphBuilder.js';

const LAST = { axis: { integer: 1 } } as const;

/** Probabilities of the classes of scores [rows, k], as the output `probabilities`: by the curves of a calibrated model, else by the loss. */
export function probabilityNodes(graph: GraphBuilder, model: ScoreMeaning, scores: Value): void {
  const { k, loss, calibration } = model;
  if (calibration !== undefined) {
    if (k > 2) shares(graph, k, curveValues(graph, calibration, scores));
    else {
      // The score of class 1 of two: the only one, or how much larger the second is.
      const score =
        k === 1 ? scores : graph.add('MatMul', [scores, graph.numbers('second', [2, 1], [-1, 1])]);
      const second = curveValues(graph, calibration, score);
      const first = graph.add('Sub', [graph.scalar(1), second]);
      graph.add('Concat', [first, second], LAST, 'probabilities');
    }
  } else if (k === 1) {
    const both = [graph.add('Neg', [scores]), scores].map((each) => graph.add('Sigmoid', [each]));
    graph.add('Concat', both, LAST, 'probabilities');
  } else if (loss === 'softmax') graph.add('Softmax', [scores], LAST, 'probabilities');
  else shares(graph, k, graph.add('Sigmoid', [scores]));
}

/** Each value divided by the sum of its row. Every one-against-the-rest model may be sure that it is not its class: then all are alike. */
function shares(graph: GraphBuilder, k: number, values: Value): void {
  const sum = graph.add('ReduceSum', [values, graph.integers([1])], { keepdims: { integer: 1 } });
  const some = graph.add('Greater', [sum, graph.scalar(0)]);
  const divisor = graph.add('Where', [some, sum, graph.scalar(1)]);
  const quotients = graph.add('Div', [values, divisor]);
  graph.add('Where', [some, quotients, graph.scalar(1 / k)], {}, 'probabilities');
}

/** Each column of scores by its curve. */
function curveValues(graph: GraphBuilder, calibration: ScoreCalibration, scores: Value): Value {
  const { curves } = calibration;
  if (calibration.method === 'sigmoid') {
    const each = (name: string, values: number[]) => graph.numbers(name, [1, values.length], values);
    const slopes = each(
      'slopes',
      calibration.curves.map(({ slope }) => -slope),
    );
    const intercepts = each(
      'intercepts',
      calibration.curves.map(({ intercept }) => -intercept),
    );
    const exponent = graph.add('Add', [graph.add('Mul', [scores, slopes]), intercepts]);
    return graph.add('Sigmoid', [exponent]);
  }
  const columns = calibration.curves.map((curve, c) => {
    const score =
      curves.length === 1
        ? scores
        : graph.add('Gather', [scores, graph.integers([c])], { axis: { integer: 1 } });
    return isotonicValue(graph, curve, score);
  });
  return columns.length === 1 ? columns[0]! : graph.add('Concat', columns, LAST);
}

/** The first probability and, of each step between points, the share that lies below the score: [rows, 1]. */
function isotonicValue(graph: GraphBuilder, { scores, probabilities }: IsotonicCurve, score: Value): Value {
  const steps = scores.length - 1;
  const first = graph.scalar(probabilities[0]!);
  if (steps === 0) return graph.add('Add', [graph.add('Mul', [score, graph.scalar(0)]), first]);
  const list = (name: string, of: (i: number) => number) =>
    graph.numbers(
      name,
      [1, steps],
      Array.from({ length: steps }, (_, i) => of(i)),
    );
  const from = list('curve scores', (i) => scores[i]!);
  const widths = list('curve widths', (i) => scores[i + 1]! - scores[i]!);
  const rises = list('curve rises', (i) => probabilities[i + 1]! - probabilities[i]!);
  const passed = graph.add('Div', [graph.add('Sub', [score, from]), widths]);
  const share = graph.add('Min', [graph.add('Max', [passed, graph.scalar(0)]), graph.scalar(1)]);
  const risen = graph.add('ReduceSum', [graph.add('Mul', [share, rises]), graph.integers([1])], {
    keepdims: { integer: 1 },
  });
  return graph.add('Add', [risen, first]);
}
