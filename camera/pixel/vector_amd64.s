#include "go_asm.h"
#include "textflag.h"

// func axpyVector(dst, x *float32, n int, w float32)
TEXT ·axpyVector(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS w+24(FP), Y0
	XORQ DX, DX

next:
	VMULPS  (SI)(DX*4), Y0, Y1
	VADDPS  (DI)(DX*4), Y1, Y1
	VMOVUPS Y1, (DI)(DX*4)
	ADDQ    $8, DX
	CMPQ    DX, CX
	JLT     next

	VZEROUPPER
	RET

// func affineVector(dst *float32, n int, scale, offset float32)
TEXT ·affineVector(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ n+8(FP), CX
	VBROADCASTSS scale+16(FP), Y0
	VBROADCASTSS offset+20(FP), Y1
	XORQ DX, DX

next:
	VMULPS  (DI)(DX*4), Y0, Y2
	VADDPS  Y2, Y1, Y2
	VMOVUPS Y2, (DI)(DX*4)
	ADDQ    $8, DX
	CMPQ    DX, CX
	JLT     next

	VZEROUPPER
	RET

// func shrinkVector(dst *float32, src *byte, steps *step, n int, slope float32, c *carry)
TEXT ·shrinkVector(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ steps+16(FP), R8
	MOVQ n+24(FP), CX
	VBROADCASTSS slope+32(FP), X7
	MOVQ c+40(FP), R9
	VMOVUPS carry_left(R9), X5
	VBROADCASTSS carry_norm(R9), X6

step:
	MOVQ  step_lo(R8), AX
	MOVQ  step_hi(R8), BX
	LEAQ  (AX)(AX*2), AX
	LEAQ  (BX)(BX*2), BX
	VPXOR X0, X0, X0 // the sums
	VPXOR X1, X1, X1 // the sums of the running sums
	CMPQ  AX, BX
	JGE   summed

pixel:
	VPMOVZXBD (SI)(AX*1), X2
	VPADDD    X2, X0, X0
	VPADDD    X0, X1, X1
	ADDQ      $3, AX
	CMPQ      AX, BX
	JLT       pixel

summed:
	VCVTDQ2PS    X0, X0
	VCVTDQ2PS    X1, X1
	VBROADCASTSS step_a(R8), X2
	VMULPS       X0, X2, X2
	VMULPS       X1, X7, X1
	VSUBPS       X1, X2, X2 // here
	VSUBPS       X2, X0, X0 // the rest
	VADDPS       X0, X5, X0
	VMULPS       X6, X0, X0
	VMOVUPS      X0, (DI)
	VMOVAPS      X2, X5
	VBROADCASTSS step_b(R8), X6
	ADDQ         $12, DI
	ADDQ         $step__size, R8
	DECQ         CX
	JNZ          step

	VMOVUPS X5, carry_left(R9)
	VMOVSS  X6, carry_norm(R9)
	RET
