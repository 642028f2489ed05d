// From a CSV file of houses to a model that predicts prices: node examples/trainFromCsv.mjs [file.csv] [label]
import { writeFile } from 'node:fs/promises';
import {
  defaultOptions,
  importDataset,
  nodeStorage,
  openDataset,
  openPredictor,
  saveModel,
  train,
} from 'mlml';

const [file = 'houses.csv', label = 'price'] = process.argv.slice(2);
if (file === 'houses.csv') await writeHouses(file);

// Columns are looked at: numbers, dates and words become features. The recipe is kept in the data set and in the model.
await importDataset(nodeStorage, file, {
  out: 'houses',
  table: { label },
  onNotice: (text) => console.log(text),
});
const dataset = await openDataset(nodeStorage, 'houses');

// The file may be a thousand times larger than bufferBytes.
const options = { ...defaultOptions, bufferBytes: 2e6, loss: 'ridge' };
const { model, test } = await train('closed', dataset, options, {
  storage: nodeStorage,
  scratchFolder: 'scratch',
});
console.log(`rmse on rows it has not seen: ${test.rmse.toFixed(1)}, r2 ${test.r2.toFixed(3)}`);
await dataset.close();
await saveModel(nodeStorage, 'houses-model', model);

if (file === 'houses.csv') {
  // New rows are read as the old ones were: by the names of the columns, null where nothing is known.
  const predictor = await openPredictor(nodeStorage, model);
  const [near, far] = await predictor.predict([
    { rooms: 4, sea: 'near', built: '1990-05-01' },
    { rooms: null, sea: 'far', built: '1990-05-01' },
  ]);
  console.log(
    `4 rooms near the sea: ${near.value.toFixed(0)}; nobody knows how many far from it: ${far.value.toFixed(0)}`,
  );
}

/** A made-up table, so that the example runs anywhere. */
async function writeHouses(path) {
  const lines = ['rooms,sea,built,price'];
  for (let i = 0; i < 2000; i++) {
    const [rooms, year] = [1 + (i % 7), 1950 + ((i * 31) % 70)];
    const sea = i % 3 === 0 ? 'near' : 'far';
    const price = 50 * rooms + (sea === 'near' ? 120 : 0) + (year - 1950) + ((i * 37) % 11);
    lines.push(`${i % 50 === 0 ? '' : rooms},${sea},${year}-05-01,${price}`);
  }
  await writeFile(path, `${lines.join('\n')}\n`);
}
