import { DomainError } from '@millrace/kernel';
import { parseServiceManifest } from './service-manifest.ts';

const manifest = {
  service: 'analytics', owner: 'analytics team', appends: [], reads: ['sales', 'customer'], asks: ['query.security.keys.resolve'], answers: ['query.analytics.>'],
  relay: false, databases: ['analytics'], keys: false, slo: 'A sale is on the console within a second.',
};

const faultsOf = (object: unknown): string => {
  try {
    parseServiceManifest(object);
  } catch (error) {
    if (error instanceof DomainError) return `${error.code} ${error.message}`;
    throw error;
  }
  return '';
};

describe('a service manifest', () => {
  it('is read as it stands', () => expect(parseServiceManifest(manifest)).toEqual(manifest));
  it.each(Object.keys(manifest))('needs %s', (name) => {
    expect(faultsOf({ ...manifest, [name]: undefined })).toContain(`/${name}`);
  });
  it('refuses a field it does not know: a grant misspelt is a grant missing', () => expect(faultsOf({ ...manifest, append: ['sales'] })).toContain('append'));
  it.each([
    ['appends', ['shipping']], ['reads', ['Sales']], ['asks', ['query.>.x']], ['asks', ['>']], ['answers', ['query.*.x']], ['databases', ['drop table']], ['relay', 'yes'], ['service', 'An App'],
  ])('refuses %s %p', (name, value) => expect(faultsOf({ ...manifest, [name]: value })).toMatch(new RegExp(`manifest-invalid.*/${name}`)));
  it('names all faults at once', () => {
    const faults = faultsOf({ ...manifest, reads: ['x'], keys: 1 });
    expect(faults).toContain('/reads/0');
    expect(faults).toContain('/keys');
  });
  it.each([null, 'text', []])('refuses %p', (object) => expect(faultsOf(object)).toContain('manifest-invalid'));
});
