import { defineConfig, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, databaseUrl, natsUrl, natsSeedFile } = shared;

export const analyticsConfig = defineConfig('analytics', { eventsUrl, databaseUrl, natsUrl, natsSeedFile });
export type AnalyticsConfig = ConfigOf<typeof analyticsConfig>;
