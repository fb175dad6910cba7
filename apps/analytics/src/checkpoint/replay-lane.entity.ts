import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Where one lane of a replay stands while lanes are apart. */
@Entity('replay_lane')
export class ReplayLane {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'replay_lane_pk' }) consumer!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'replay_lane_pk' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'replay_lane_pk' }) context!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'replay_lane_pk' }) shard!: number;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'replay_lane_pk' }) lane!: number;
  @Column('bigint') epoch!: string;
  @Column('bigint') position!: string;
  @Column('bytea') leaf!: Buffer;
}
