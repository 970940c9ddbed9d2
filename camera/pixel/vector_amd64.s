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
