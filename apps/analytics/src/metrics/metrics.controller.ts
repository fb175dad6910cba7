import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { QUESTIONS } from '../injection-tokens.ts';
import { answerQuestion, type MetricAnswer } from './metric.query.ts';
import { METRICS, type Metric } from './metric.model.ts';
import { filtersOf, parseQuestion, type FilterId, type QuestionParameters } from './question.model.ts';
import { parsePage, traceQuestion, type Trace } from './trace.query.ts';

type MetricDescription = Pick<Metric, 'id' | 'version' | 'unit' | 'description' | 'contributionMeans' | 'dimensions'> & { readonly filters: readonly FilterId[] };

const describe = (metric: Metric): MetricDescription => {
  const { id, version, unit, description, contributionMeans, dimensions } = metric;
  return { id, version, unit, description, contributionMeans, dimensions, filters: filtersOf(metric) };
};

@Controller('v1/metrics')
export class MetricsController {
  constructor(@Inject(QUESTIONS) private readonly database: DataSource) {}

  @Get()
  list(): { metrics: MetricDescription[] } {
    return { metrics: METRICS.map(describe) };
  }

  @Get(':id')
  answer(@Param('id') id: string, @Query() query: QuestionParameters): Promise<MetricAnswer> {
    return answerQuestion(this.database, parseQuestion(id, query));
  }

  /** The events behind the number that the same parameters give, whatever it is broken down by. */
  @Get(':id/events')
  trace(@Param('id') id: string, @Query() { limit, after, ...query }: QuestionParameters): Promise<Trace> {
    return traceQuestion(this.database, parseQuestion(id, query), parsePage(after, limit));
  }
}
