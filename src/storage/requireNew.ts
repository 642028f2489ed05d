import { MlmlError } from '../errors.js';
import type { Storage } from './storage.js';

/** `MLML_EXISTS` when something lies where a folder is to be made. `option`: by what another place is given. */
export async function requireNew(storage: Storage, folder: string, option = '--out'): Promise<void> {
  if ((await storage.status(folder)) !== undefined)
    throw new MlmlError('MLML_EXISTS', `${folder}: exists already; remove it or give another ${option}`);
}
