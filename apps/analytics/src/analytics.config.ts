import { defineConfig, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, segmentsDir, databaseUrl, natsUrl, natsSeedFile, instance } = shared;

export const analyticsConfig = defineConfig('analytics', { eventsUrl, segmentsDir, databaseUrl, natsUrl, natsSeedFile, instance });
export type AnalyticsConfig = ConfigOf<typeof analyticsConfig>;
