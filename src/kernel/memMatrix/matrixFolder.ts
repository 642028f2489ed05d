import { dirname, join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { removeLeftovers } from '../../storage/leftovers.js';
import { ownedName } from '../../storage/ownedFolder.js';
import type { Storage } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import type { MatrixShape } from '../store/tileLayout.js';
import type { TileTable } from '../store/tileTable.js';
import { TileWriter } from '../store/tileWriter.js';

/**
 * Makes the folder of a matrix as a whole: `fill` writes its tiles, `describe` its description, into a temporary folder beside
 * the final one, whose path `describe` returns; then it gets that name. After an error, or a kill, nothing stays.
 */
export async function makeMatrixFolder(
  storage: Storage,
  parent: string,
  shape: MatrixShape,
  workspace: Workspace,
  table: TileTable,
  make: {
    fill(writer: TileWriter): Promise<void>;
    /** Writes the description into the temporary folder and returns the final path. */
    describe(temporary: string): Promise<string>;
  },
): Promise<string> {
  await removeLeftovers(storage, parent);
  const temporary = join(parent, ownedName('import'));
  await storage.makeFolder(temporary);
  try {
    const whenFull = 'free some space or choose another folder, and begin again';
    const writer = await TileWriter.open(storage, temporary, shape, table, workspace, {
      advice: 'begin again',
      whenFull,
    });
    try {
      await make.fill(writer);
      await writer.flush();
    } finally {
      await writer.close();
    }
    if (!table.complete)
      throw new MlmlError(
        'MLML_INTERNAL',
        `${temporary}: only ${table.done} of ${table.tiles} tiles were made`,
      );
    const folder = await make.describe(temporary);
    if ((await storage.status(folder)) === undefined) {
      await storage.rename(temporary, folder);
      await storage.syncFolder(dirname(folder));
    } else await storage.remove(temporary);
    return folder;
  } catch (error) {
    await storage.remove(temporary).catch(() => {});
    throw error;
  }
}
