import { Check, Column, Entity, Generated, Index, PrimaryColumn, Unique } from 'typeorm';

/** A build of a projection: which schema holds its tables, and whether it is the one that is read. Written by libs/event-sourcing. */
@Entity('projection_build')
@Unique('projection_build_id', ['id'])
@Index('projection_build_active', ['projection'], { unique: true, where: `(state = 'active'::text)` })
@Check('projection_build_state', `state = ANY (ARRAY['building'::text, 'ready'::text, 'active'::text, 'retired'::text])`)
export class ProjectionBuildRow {
  @Column('integer') @Generated('increment') id!: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'projection_build_pk' }) projection!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'projection_build_pk' }) build!: number;
  @Column('integer') version!: number;
  @Column('text', { name: 'schema_name' }) schemaName!: string;
  @Column('text') state!: string;
  @Column('timestamptz', { name: 'made_at', default: () => 'now()' }) madeAt!: Date;
  @Column('timestamptz', { name: 'ready_at', nullable: true }) readyAt!: Date | null;
  @Column('timestamptz', { name: 'activated_at', nullable: true }) activatedAt!: Date | null;
  /** When the switch to it was recorded as a fact. */
  @Column('timestamptz', { name: 'announced_at', nullable: true }) announcedAt!: Date | null;
  /** The last switch to it, as it will be told. */
  @Column('jsonb', { nullable: true }) switched!: unknown;
}
