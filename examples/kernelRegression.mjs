// Kernel ridge regression of a curved function, whose kernel matrix need not fit in memory: node examples/kernelRegression.mjs
import {
  defaultKernelOptions,
  importRows,
  nodeStorage,
  openDataset,
  openPredictor,
  saveModel,
  trainKernel,
} from 'mlml';

/** Points on a wave; the last number is what is to be predicted. */
function* points(n) {
  for (let i = 0; i < n; i++) {
    const [x, y] = [((i * 7919) % n) / n, ((i * 104729) % n) / n];
    yield [x, y, Math.sin(6 * x) * Math.cos(4 * y)];
  }
}
await importRows(nodeStorage, points(2000), { out: 'wave', task: 'regression', dtype: 'float32' });
const dataset = await openDataset(nodeStorage, 'wave');

// krr picks the solver and says why; the regularization is chosen among three on held-out rows.
const options = {
  ...defaultKernelOptions,
  bufferBytes: 20e6,
  nthreads: 2,
  kernel: 'rbf',
  sigma: 0.5,
  reg: [1, 0.01, 0.0001],
};
const { model, test, reasons } = await trainKernel('krr', dataset, options, {
  storage: nodeStorage,
  scratchFolder: 'scratch',
  onEvent: (event) =>
    event.type === 'pass' &&
    console.log(`pass ${event.pass}: residual ${event.residuals[0].toExponential(1)}`),
});
for (const reason of reasons) console.log(reason);
console.log(`rmse ${test.rmse.toExponential(2)}, r2 ${test.r2.toFixed(4)}, reg ${model.regularization}`);

// With its rows the model needs no data set any more.
await saveModel(nodeStorage, 'wave-model', model, { copyRows: true });
const predictor = await openPredictor(nodeStorage, model, { bufferBytes: 10e6 });
const [{ value }] = await predictor.predict([[0.25, 0.5]]);
console.log(`at (0.25, 0.5): ${value.toFixed(3)}, in truth ${(Math.sin(1.5) * Math.cos(2)).toFixed(3)}`);
await predictor.close();
await dataset.close();
