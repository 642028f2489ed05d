/** Upper ends of the buckets of the latency, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a gauge says when it is asked. */
export interface Gauges {
  readonly connections: number;
  readonly heldBytes: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/** Counts of a server, told in the text format of Prometheus (0.0.4). Their number does not grow with requests. */
export class Metrics {
  /** Requests to predict that have come and are not yet answered. */
  inFlight = 0;
  rows = 0;
  modelLoaded = 0;
  readonly reloads = { ok: 0, failed: 0 };
  readonly #requests = new Map<string, number>();
  readonly #buckets = new Array<number>(bounds.length).fill(0);
  #seconds = 0;
  #answers = 0;
  readonly #started: number;

  /** Times are seconds since 1970. */
  constructor(started: number) {
    this.#started = started;
    this.modelLoaded = started;
  }

  /** `path`: one of the server's own, or `other`; `code`: the status, or `aborted` when the client went away. */
  request(path: string, code: string): void {
    const key = `path="${path}",code="${code}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
  }

  /** A request to predict was answered, whatever the answer. */
  duration(seconds: number): void {
    this.#answers++;
    this.#seconds += seconds;
    for (let i = 0; i < bounds.length; i++) if (seconds <= bounds[i]!) this.#buckets[i]!++;
  }

  text(gauges: Gauges): string {
    const lines: string[] = [];
    const family = (
      name: string,
      type: string,
      help: string,
      samples: readonly (readonly [string, number])[],
    ) => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const [rest, value] of samples) lines.push(`${name}${rest} ${value}`);
    };
    const one = (value: number): [string, number][] => [['', value]];
    family(
      'mlml_requests_total',
      'counter',
      'Requests by path and status.',
      [...this.#requests].sort().map(([labels, count]) => [`{${labels}}`, count]),
    );
    family(
      'mlml_predict_duration_seconds',
      'histogram',
      'Time from the head of a request to predict to its answer.',
      [
        ...bounds.map((bound, i) => [`_bucket{le="${bound}"}`, this.#buckets[i]!] as const),
        ['_bucket{le="+Inf"}', this.#answers],
        ['_sum', this.#seconds],
        ['_count', this.#answers],
      ],
    );
    family('mlml_rows_total', 'counter', 'Rows predicted.', one(this.rows));
    family(
      'mlml_requests_in_flight',
      'gauge',
      'Requests to predict that are not yet answered.',
      one(this.inFlight),
    );
    family('mlml_connections', 'gauge', 'Open connections.', one(gauges.connections));
    family(
      'mlml_held_bytes',
      'gauge',
      'Bytes of bodies and answers that are held now.',
      one(gauges.heldBytes),
    );
    family(
      'mlml_model_loaded_timestamp_seconds',
      'gauge',
      'When the model was loaded.',
      one(this.modelLoaded),
    );
    family('mlml_reloads_total', 'counter', 'Times the model was loaded again.', [
      ['{result="ok"}', this.reloads.ok],
      ['{result="failed"}', this.reloads.failed],
    ]);
    family('process_resident_memory_bytes', 'gauge', 'Resident memory.', one(gauges.residentBytes));
    family(
      'process_cpu_seconds_total',
      'counter',
      'Processor time, user and system.',
      one(gauges.cpuSeconds),
    );
    family('process_start_time_seconds', 'gauge', 'Start of the server.', one(this.#started));
    return `${lines.join('\n')}\n`;
  }
}
