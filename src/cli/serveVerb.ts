import { MlmlError } from '../errors.js';
import { heapWatch } from '../memory/heapWatch.js';
import type { ServeEvent } from '../serve/serveOptions.js';
import { startServer } from '../serve/server.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';

/** Bytes of dead memory that may gather. */
const GARBAGE = 2e6;

/** Bytes of requests between two looks at the heap: what is made of them is some dozen times as much. */
const LOOK_BYTES = 16_384;

/** Takes a look once so many bytes have come. */
function seldom(look: () => void): (bytes: number) => void {
  let seen = 0;
  return (bytes) => {
    seen += bytes;
    if (seen < LOOK_BYTES) return;
    seen = 0;
    look();
  };
}

const isLocal = (host: string) => /^(127\.|::1$|localhost$)/.test(host);

/** `mlml serve`: answers requests until a signal ends it. */
export async function serveVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { services, stdout, stderr, signal } = context;
  const [path, ...rest] = given.positionals;
  if (path === undefined || rest.length > 0)
    throw new MlmlError('MLML_USAGE', 'serve takes a model; see mlml serve --help');
  const number = (name: string, field: string, factor = 1) =>
    given.has(name) ? { [field]: given.number(name)! * factor } : {};
  const host = given.text('host');
  const tell = (text: string) => stderr.write(`mlml: ${text}\n`);
  const onEvent = (event: ServeEvent) =>
    tell(
      event.type === 'warning' ? event.message : `${path}: loaded again (fingerprint ${event.fingerprint})`,
    );
  let look = (_bytes: number) => {};
  const server = await startServer(services.storage, path, {
    onActivity: (bytes) => look(bytes),
    ...(host === undefined ? {} : { host }),
    ...number('port', 'port'),
    ...number('buffer', 'bufferBytes'),
    ...number('max-body', 'maxBodyBytes'),
    ...number('max-rows', 'maxRows'),
    ...number('timeout', 'timeoutMs', 1000),
    ...number('nthreads', 'nthreads'),
    onEvent,
  });
  try {
    look = seldom(heapWatch(GARBAGE));
    if (host !== undefined && !isLocal(host))
      tell(`warning: whoever reaches ${server.url} can use the model; there is no authentication`);
    context.onHangUp?.(() => {
      server
        .reload()
        .catch((error: Error) => tell(`${path}: is not loaded again, the old model stays: ${error.message}`));
    });
    const told = { url: server.url, port: server.port, pid: process.pid, model: path };
    await stdout.write(given.flag('json') ? `${JSON.stringify(told)}\n` : `${server.url} serves ${path}\n`);
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  } finally {
    await server.close();
  }
}
