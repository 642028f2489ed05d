/**
 * Yields each step with the slot its data lie in once they are read, while the data of the next `slots` − 1 steps are on
 * their way. A slot is valid until the next step is asked for. Ends only when no read is in flight.
 */
export async function* readAhead<Step>(
  steps: Iterable<Step>,
  slots: number,
  start: (step: Step, slot: number) => Promise<unknown>,
): AsyncGenerator<{ readonly step: Step; readonly slot: number }> {
  const flying: { step: Step; slot: number; done: Promise<unknown> }[] = [];
  let slot = 0;
  try {
    for (const step of steps) {
      const done = start(step, slot);
      // An error is thrown where the step is waited for; until then nobody looks.
      done.catch(() => {});
      flying.push({ step, slot, done });
      slot = (slot + 1) % slots;
      if (flying.length < slots) continue;
      const first = flying[0]!;
      await first.done;
      yield first;
      flying.shift();
    }
    for (; flying.length > 0; flying.shift()) {
      const first = flying[0]!;
      await first.done;
      yield first;
    }
  } finally {
    await Promise.allSettled(flying.map(({ done }) => done));
  }
}
