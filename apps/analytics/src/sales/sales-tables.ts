/** Made in the schema of each build; the entities beside this file say what the columns mean. */
export const SALES_TABLES: readonly string[] = [
  `create table order_fact (
    tenant text not null, event_id text not null, log text not null, position bigint not null, event_type text not null, order_id text not null,
    fact text not null, reason text, source text not null, time timestamptz not null, country text, customer_ref text, currency text not null, gross numeric not null,
    constraint pk_order_fact primary key (tenant, event_id),
    constraint uq_order_fact_position unique (tenant, log, position))`,
  `create table order_line_fact (
    tenant text not null, log text not null, position bigint not null, line_no integer not null, fact text not null, reason text, kind text not null,
    source text not null, time timestamptz not null, country text, product_id text not null, first_of_product boolean not null, customer_ref text,
    quantity numeric not null, unit_price numeric not null, amount numeric not null, currency text not null,
    constraint pk_order_line_fact primary key (tenant, log, position, line_no))`,
  `create table hourly_sales (
    tenant text not null, hour timestamptz not null, source text not null, currency text not null,
    lines bigint not null, gross numeric not null, clean_lines bigint not null, clean numeric not null, units numeric not null,
    cancelled_lines bigint not null, orders bigint not null,
    constraint pk_hourly_sales primary key (tenant, hour, source, currency))`,
  `create table buyer (
    tenant text not null, currency text not null, customer_ref text not null,
    constraint pk_buyer primary key (tenant, currency, customer_ref))`,
];
