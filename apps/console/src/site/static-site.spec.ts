import { describe, expect, it } from '@jest/globals';
import { siteFile } from './static-site.ts';

describe('the file an address means', () => {
  it.each(['/', '/explorer', '/system', '/login', '/first-login'])('is the one page for %s', (path) => {
    expect(siteFile(path, '/site')).toBe('/site/index.html');
  });

  it('is a built asset', () => {
    expect(siteFile('/assets/index-1a2b.js', '/site')).toBe('/site/assets/index-1a2b.js');
    expect(siteFile('/favicon.svg', '/site')).toBe('/site/favicon.svg');
  });

  it.each(['/assets/../../etc/passwd', '/assets/..', '/assets/a/b.js', '/../x', '/main.js', '/assets/', '/assets/a%2fb', '//x', ''])('is none for %s', (path) => {
    expect(siteFile(path, '/site')).toBeUndefined();
  });
});
