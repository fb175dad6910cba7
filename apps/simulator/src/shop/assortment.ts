import { formatDecimal } from '@millrace/kernel';
import type { Random } from './random.ts';

export interface Product {
  readonly productId: string;
  readonly name: string;
  readonly category: string;
  readonly cents: number;
  /** How often it is looked at, relative to the others. */
  readonly popularity: number;
}

export const CURRENCY = 'EUR';

const THINGS = ['Lantern', 'Teapot', 'Basket', 'Cushion', 'Notebook', 'Candle', 'Mug', 'Blanket', 'Clock', 'Planter', 'Tray', 'Bowl'] as const;
const KINDS = ['Oak', 'Linen', 'Slate', 'Copper', 'Rose', 'Amber', 'Moss', 'Ivory', 'Cobalt', 'Ash'] as const;
const CATEGORIES = ['kitchen', 'living', 'garden', 'office', 'gifts'] as const;

/** What the shop sells: the same for a seed. Popularity falls off as 1/rank, as sales do in real shops. */
export const assortmentOf = (random: Random, size: number): Product[] => {
  const own = random.fork('assortment');
  return Array.from({ length: size }, (_, index) => ({
    productId: `sku-${String(index + 1).padStart(4, '0')}`,
    name: `${own.pick(KINDS)} ${own.pick(THINGS)} No. ${index + 1}`,
    category: own.pick(CATEGORIES),
    cents: own.integer(150, 12_900),
    popularity: 1 / (index + 1),
  }));
};

/** Draws by popularity. */
export const popularProduct = (random: Random, products: readonly Product[]): Product => {
  const total = products.reduce((sum, product) => sum + product.popularity, 0);
  let left = random.unit() * total;
  for (const product of products) {
    left -= product.popularity;
    if (left <= 0) return product;
  }
  return products.at(-1)!;
};

/** Whole cents as exact decimal text. */
export const priceText = (cents: number): string => formatDecimal({ units: BigInt(cents), scale: 2 });
