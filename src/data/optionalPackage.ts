import { MlmlError } from '../errors.js';

/**
 * Loads a package that is installed only where it can be. `what` is what needs it: `images`. Without it, `MLML_NOT_FOUND`
 * says what to install.
 */
export async function optionalPackage<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
        ? 'which is not installed'
        : `which does not load here (${String((cause as Error).message).split('\n')[0]})`;
    throw new MlmlError('MLML_NOT_FOUND', `${what} need the package ${name}, ${why}: npm install ${name}`, {
      cause,
    });
  }
}
