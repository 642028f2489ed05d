import { join } from 'node:path';
import type { ScoreCalibration } from '../../ssgd/scoreCalibration.js';
import { sealedText } from '../../storage/sealedJson.js';
import type { Storage } from '../../storage/storage.js';
import { replaceFile } from '../../storage/textFile.js';
import { findModel, readModelDescription } from '../loadModel.js';
import { MODEL_FILE } from '../modelFormat.js';

/** Keeps a calibration with a saved model (or that of a run folder), instead of one that it may have. */
export async function saveCalibration(
  storage: Storage,
  path: string,
  calibration: ScoreCalibration,
): Promise<void> {
  const folder = await findModel(storage, path);
  const { checksum: _, ...description } = {
    checksum: undefined,
    ...(await readModelDescription(storage, folder)),
  };
  await replaceFile(storage, join(folder, MODEL_FILE), sealedText({ ...description, calibration }));
}
