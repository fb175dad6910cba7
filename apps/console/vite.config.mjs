import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src/web',
  plugins: [react()],
  build: {
    outDir: '../../dist/web', emptyOutDir: true, chunkSizeWarningLimit: 700,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'echarts', test: /echarts|zrender/ }, { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// }] } } },
  },
});
