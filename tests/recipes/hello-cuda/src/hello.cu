// Twice the number, on the GPU; minus one where there is none.
__global__ void twice(int *value) { *value *= 2; }

extern "C" int hello_twice(int number) {
  int *value = nullptr;
  if (cudaMalloc(&value, sizeof number) != cudaSuccess) return -1;
  int result = -1;
  if (cudaMemcpy(value, &number, sizeof number, cudaMemcpyHostToDevice) == cudaSuccess) {
    twice<<<1, 1>>>(value);
    if (cudaMemcpy(&number, value, sizeof number, cudaMemcpyDeviceToHost) == cudaSuccess)
      result = number;
  }
  cudaFree(value);
  return result;
}
