/* What a C compiler says about the structures of <linux/videodev2.h>:
 *
 *     gcc -o layout layout.c && ./layout > layout.txt */
#include <linux/videodev2.h>
#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(struct type))
#define AT(type, field) printf("offset %s.%s %zu\n", #type, #field, offsetof(struct type, field))
#define REQUEST(name) printf("request %s %#lx\n", #name, (unsigned long)name)

int main(void)
{
	SIZE(v4l2_capability);
	AT(v4l2_capability, card);
	AT(v4l2_capability, bus_info);
	AT(v4l2_capability, capabilities);
	AT(v4l2_capability, device_caps);
	SIZE(v4l2_fmtdesc);
	AT(v4l2_fmtdesc, description);
	AT(v4l2_fmtdesc, pixelformat);
	SIZE(v4l2_frmsizeenum);
	AT(v4l2_frmsizeenum, type);
	AT(v4l2_frmsizeenum, discrete.width);
	AT(v4l2_frmsizeenum, stepwise.max_height);
	SIZE(v4l2_frmivalenum);
	AT(v4l2_frmivalenum, type);
	AT(v4l2_frmivalenum, discrete);
	AT(v4l2_frmivalenum, stepwise.max);
	SIZE(v4l2_format);
	AT(v4l2_format, fmt.pix.width);
	AT(v4l2_format, fmt.pix.bytesperline);
	AT(v4l2_format, fmt.pix.sizeimage);
	AT(v4l2_format, fmt.pix.quantization);
	SIZE(v4l2_streamparm);
	AT(v4l2_streamparm, parm.capture.capability);
	AT(v4l2_streamparm, parm.capture.timeperframe);
	SIZE(v4l2_requestbuffers);
	AT(v4l2_requestbuffers, memory);
	SIZE(v4l2_buffer);
	AT(v4l2_buffer, bytesused);
	AT(v4l2_buffer, timestamp);
	AT(v4l2_buffer, sequence);
	AT(v4l2_buffer, memory);
	AT(v4l2_buffer, m.offset);
	AT(v4l2_buffer, length);
	SIZE(v4l2_queryctrl);
	AT(v4l2_queryctrl, name);
	AT(v4l2_queryctrl, minimum);
	AT(v4l2_queryctrl, default_value);
	AT(v4l2_queryctrl, flags);
	SIZE(v4l2_querymenu);
	AT(v4l2_querymenu, index);
	AT(v4l2_querymenu, name);
	SIZE(v4l2_control);
	REQUEST(VIDIOC_QUERYCAP);
	REQUEST(VIDIOC_ENUM_FMT);
	REQUEST(VIDIOC_S_FMT);
	REQUEST(VIDIOC_REQBUFS);
	REQUEST(VIDIOC_QUERYBUF);
	REQUEST(VIDIOC_QBUF);
	REQUEST(VIDIOC_DQBUF);
	REQUEST(VIDIOC_STREAMON);
	REQUEST(VIDIOC_STREAMOFF);
	REQUEST(VIDIOC_G_PARM);
	REQUEST(VIDIOC_S_PARM);
	REQUEST(VIDIOC_G_CTRL);
	REQUEST(VIDIOC_S_CTRL);
	REQUEST(VIDIOC_QUERYCTRL);
	REQUEST(VIDIOC_QUERYMENU);
	REQUEST(VIDIOC_ENUM_FRAMESIZES);
	REQUEST(VIDIOC_ENUM_FRAMEINTERVALS);
	return 0;
}
