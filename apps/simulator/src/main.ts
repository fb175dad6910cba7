import { BusLink } from '@millrace/event-bus';
import { systemClock } from '@millrace/kernel';
import { printableConfig, readSecretFile } from '@millrace/service-kit';
import { Simulation } from './simulation.ts';
import { parseSimulatorArguments, readSimulatorConfig, simulatorConfig, simulatorEnvironment } from './simulator.config.ts';
import { IntakeClient } from './traffic/intake-client.ts';
import { rateText } from './traffic/pace.ts';
import { journalWriter, manifestWriter } from './traffic/record-file.ts';
import { reserveStock } from './traffic/stock-desk.ts';

/** After SIGTERM what waits may still be sent for so long; after a run of a set length, longer: a restart may be going on. */
const LAST_WORDS_MS = 5000;
const LAST_WORDS_OF_A_RUN_MS = 120_000;
/** The first orders would be lost on a bus that is only just being connected to. */
const BUS_WITHIN_MS = 5000;

const say = (text: string): void => { process.stderr.write(`${text}\n`); };

const simulate = async (args: readonly string[]): Promise<object> => {
  const options = parseSimulatorArguments(args);
  const config = readSimulatorConfig(simulatorEnvironment());
  if (options.checkConfig) return printableConfig(simulatorConfig, config);
  const [sourceKey, seed] = await Promise.all([readSecretFile(config.sourceKeyFile), readSecretFile(config.natsSeedFile)]);
  const link = BusLink.open({ url: config.natsUrl, service: 'simulator', seed });
  const intake = new IntakeClient({ url: config.ingestionUrl, sourceKey, onRetry: (reason, waitMs) => say(`simulator: ${reason}; sending again in ${waitMs} ms`) });
  const [stop, giveUp] = [new AbortController(), new AbortController()];
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.abort();
      setTimeout(() => giveUp.abort(), LAST_WORDS_MS).unref();
    });
  }
  if (options.forMs !== undefined) setTimeout(() => giveUp.abort(), options.forMs + LAST_WORDS_OF_A_RUN_MS).unref();
  await link.ready(BUS_WITHIN_MS).catch(() => say('simulator: no bus yet; nothing is ordered until it is there'));
  const rate = { perSecond: options.rate, forMs: options.forMs };
  say(`simulator: ${rateText(rate, systemClock.now())}`);
  const simulation = new Simulation({ seed: options.seed, run: Date.now().toString(36), ...rate }, {
    clock: systemClock, send: (events, signal) => intake.send(events, signal), reserve: (wish) => reserveStock(link, options.tenant, wish),
    willSend: manifestWriter(options.manifest), answered: journalWriter(options.journal),
  });
  const report = await simulation.run(stop.signal, giveUp.signal);
  await link.close();
  return { tenant: options.tenant, seed: options.seed, rate: options.rate, ...report };
};

try {
  process.stdout.write(`${JSON.stringify(await simulate(process.argv.slice(2)))}\n`);
} catch (error) {
  const unsent = error instanceof Error && error.name === 'AbortError';
  say(`simulator: ${unsent ? 'the intake did not answer; what waited was not sent' : error instanceof Error ? error.message : 'failed'}`);
  process.exit(1); // the link to a bus that is away would keep the process alive
}
