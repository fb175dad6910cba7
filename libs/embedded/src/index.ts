export { freePort, isPortFree, spawnServer, stopServer, workingIn, type SpawnedServer, type SpawnOptions } from './child-process.ts';
export { startNatsServer, type NatsOptions, type NatsServer } from './nats.ts';
export { isNewEnough, locateNats, NATS_VERSION, natsVersion, type LocateOptions, type NatsLocation } from './nats-locate.ts';
export { clusterVersion, startPostgresServer, type PostgresOptions, type PostgresServer } from './postgres.ts';
