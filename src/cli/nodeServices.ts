import { compileKernels } from '../arithmetic/kernels.js';
import { datasetFolder, openAnyByName } from '../data/import/openByName.js';
import * as training from '../ssgd/train.js';
import { nodeStorage } from '../storage/nodeStorage.js';
import type { Services } from './services.js';

const readers = () => import('../data/import/importDataset.js');
const importing = () => import('../data/import/importSource.js');

/** The real file system and the real modules: those of training at once, the others when they are first needed. */
export const nodeServices: Services = {
  storage: nodeStorage,
  async training() {
    compileKernels();
    return training;
  },
  // Large, with the code of threads; the kernels' WebAssembly is compiled with it.
  async kernels() {
    compileKernels();
    return await import('../kernel/kernel.js');
  },
  async scoring() {
    const [{ calibrate }, { evaluate }, { scoreModel }] = await Promise.all([
      import('../model/calibration/calibrate.js'),
      import('../model/evaluation/evaluate.js'),
      import('../model/scoreModel.js'),
    ]);
    return {
      calibrateModel: (model, file, { storage, ...options }) => calibrate(storage, model, file, options),
      evaluateModel: (model, file, { storage, ...options }) => evaluate(storage, model, file, options),
      scoreRows: (model, file, { storage, ...options }) => scoreModel(storage, model, file, options),
    };
  },
  async importing() {
    return {
      datasetFolder,
      openAnyByName,
      async isLibsvmFile(...args) {
        return await (await import('../data/import/libsvm/importLibsvm.js')).isLibsvmFile(...args);
      },
      // The readers of original files and of raw rows take megabytes: loaded when they are called.
      async importDataset(...args) {
        return await (await readers()).importDataset(...args);
      },
      async importWithOrigin(storage, ...args) {
        const { importDataset } = await readers();
        return await (await importing()).importWithOrigin(storage, importDataset, ...args);
      },
      async importForTraining(storage, ...args) {
        const loadImporter = async () => (await readers()).importDataset;
        await (await importing()).importForTraining(storage, loadImporter, ...args);
      },
      async labelMissing(...args) {
        return await (await import('../data/table/labelMissing.js')).labelMissing(...args);
      },
      async openRawRows(...args) {
        return await (await import('../data/rawRows.js')).openRawRows(...args);
      },
    };
  },
  readers,
  async tables() {
    const { openModelTable } = await import('../model/table/openModelTable.js');
    return {
      openModelTable,
      async openModelLibsvm(...args) {
        return await (await import('../model/table/openModelLibsvm.js')).openModelLibsvm(...args);
      },
      async openModelArrays(...args) {
        return await (await import('../model/table/openModelArrays.js')).openModelArrays(...args);
      },
      async predictTable(...args) {
        return await (await import('../model/table/predictTable.js')).predictTable(...args);
      },
      async evaluateTable(...args) {
        return await (await import('../model/table/evaluateTable.js')).evaluateTable(...args);
      },
      async calibrateTable(...args) {
        return await (await import('../model/table/calibrateTable.js')).calibrateTable(...args);
      },
    };
  },
  verifying: () => import('../data/verify.js'),
};
