OP(matmul)
OP(matmul_grad)
