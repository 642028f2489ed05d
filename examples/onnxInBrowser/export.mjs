// Makes digits.onnx for the page: node examples/onnxInBrowser/export.mjs [folder]
// Then serve the folder, with npx http-server for example, and open it in a browser.
import { defaultOptions, exportModel, nodeStorage, openByName, train } from 'mlml';

const [folder = '.'] = process.argv.slice(2);
const dataset = await openByName(nodeStorage, 'digits', { n: 5000, nt: 500 });
const { model, test } = await train(
  'ssgd',
  dataset,
  { ...defaultOptions, loss: 'softmax' },
  { storage: nodeStorage, scratchFolder: 'scratch' },
);
const { files } = await exportModel(nodeStorage, model, `${folder}/digits.onnx`, {
  format: 'onnx',
  precision: 'float32',
});
console.log(`${files[0].path}: ${files[0].bytes} bytes, accuracy ${test.accuracy}`);
await dataset.close();
